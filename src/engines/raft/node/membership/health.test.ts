import { expect, test } from 'vitest';
import { EMPTY_CONFIGURATION, type Role } from '../../core/configuration.ts';
import { TestClock, TestLogger } from '../testing/clock.ts';
import { serverOf, TestCore } from '../testing/core.ts';
import { Health, type HealthOptions } from './health.ts';

const OPTIONS: HealthOptions = {
  self: serverOf('a'),
  tickMs: 10,
  silentAfterMs: 200,
  removeDeadAfterMs: 60_000,
  newMemberGraceMs: 30_000,
  minVoters: 2,
};
const THREE: Readonly<Record<string, Role>> = { a: 'voter', b: 'voter', c: 'voter' };

function createHealth({
  roles = THREE,
  knows = true,
  ...change
}: Partial<HealthOptions> & { roles?: Readonly<Record<string, Role>>; knows?: boolean } = {}) {
  const clock = new TestClock();
  const logger = new TestLogger();
  const core = new TestCore(roles);
  const { configuration } = core;
  if (!knows) core.configuration = EMPTY_CONFIGURATION;
  const health = new Health({ core, clock, logger }, { ...OPTIONS, ...change });
  core.configuration = configuration;
  /** Lets time pass in which `silent` nodes are not heard. */
  const pass = (ms: number, ...silent: string[]): void => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000);
      for (const node of silent) {
        const ticks = core.progress.get(serverOf(node))?.ticksSinceContact ?? 0;
        core.hear(node, { ticksSinceContact: ticks + 100 });
      }
      health.onTick();
    }
  };
  return { clock, logger, core, health, pass };
}

test('a member that stays silent is removed after its time', () => {
  const { core, pass, logger } = createHealth();
  pass(59_000, 'c');
  expect(core.proposed).toEqual([]);
  pass(1_000, 'c');
  expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
  expect(logger.messages('warn').at(-1)).toBe('health: silent member is removed');
});

test('the first silence is logged at once, a long one now and then', () => {
  const { pass, logger } = createHealth();
  pass(1_000, 'c');
  expect(logger.messages('warn')).toEqual(['health: member is silent']);
  pass(29_000, 'c');
  expect(logger.messages('warn')).toHaveLength(1);
  pass(1_000, 'c');
  expect(logger.messages('warn')).toEqual(['health: member is silent', 'health: member is still silent']);
});

test('a member that comes back is healthy again', () => {
  const { core, pass, logger } = createHealth();
  pass(50_000, 'c');
  core.hear('c', {});
  pass(1_000);
  expect(logger.messages('info')).toEqual(['health: member is back']);
  pass(50_000, 'c');
  expect(core.proposed).toEqual([]);
});

test('nobody is removed when that is switched off, and silence is still logged', () => {
  const { core, pass, logger } = createHealth({ removeDeadAfterMs: 0 });
  pass(600_000, 'c');
  expect(core.proposed).toEqual([]);
  expect(logger.lines[0]?.fields).toMatchObject({ removedAfterMs: 'never' });
});

test('a new member has its grace period, however silent', () => {
  const { core, pass } = createHealth({ knows: false, removeDeadAfterMs: 5_000 });
  pass(30_000, 'c');
  expect(core.proposed).toEqual([]);
  pass(2_000, 'c');
  expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
});

test('a member that was removed and added again has a new grace period', () => {
  const { core, pass } = createHealth({ removeDeadAfterMs: 5_000 });
  const all = core.configuration;
  pass(6_000, 'c');
  core.commit();
  pass(1_000);
  core.configuration = all;
  core.commit();
  pass(20_000, 'c');
  expect(core.proposed).toHaveLength(1);
});

test('a removal never leaves fewer voters than the minimum, and logs that once', () => {
  const { core, pass, logger } = createHealth({ minVoters: 3 });
  pass(120_000, 'c');
  expect(core.proposed).toEqual([]);
  const objections = logger.lines.filter(
    ({ message }) => message === 'health: silent member cannot be removed',
  );
  expect(objections).toHaveLength(1);
  expect(objections[0]?.fields).toMatchObject({
    server: 'c@1',
    reason: expect.stringContaining('-min-voters 3'),
  });
});

test('nobody is removed when the rest could not agree on it', () => {
  const roles = { ...THREE, d: 'voter', e: 'voter' } as const;
  const { core, pass, logger } = createHealth({ roles });
  pass(120_000, 'b', 'c', 'd');
  expect(core.proposed).toEqual([]);
  expect(logger.lines.at(-1)?.fields).toBeDefined();
});

test('a silent learner is removed whatever state the voters are in', () => {
  const { core, pass } = createHealth({ roles: { a: 'voter', d: 'learner' }, minVoters: 5 });
  pass(61_000, 'd');
  expect(core.members).toEqual(['a@1:voter']);
});

test('one removal at a time: the next waits until the first is committed', () => {
  const roles = { ...THREE, d: 'voter', e: 'voter' } as const;
  const { core, pass } = createHealth({ roles });
  pass(70_000, 'd', 'e');
  expect(core.proposed).toHaveLength(1);
  core.commit();
  pass(1_000, 'd', 'e');
  expect(core.members).toEqual(['a@1:voter', 'b@1:voter', 'c@1:voter']);
});

test('a server that does not lead removes nobody and logs nothing', () => {
  const { core, pass, logger } = createHealth();
  core.role = 'follower';
  pass(120_000, 'c');
  expect([core.proposed, logger.lines]).toEqual([[], []]);
});

test('a leader never removes itself', () => {
  const { core, pass } = createHealth();
  pass(120_000, 'a');
  expect(core.proposed).toEqual([]);
});
