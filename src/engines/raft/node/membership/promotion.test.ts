import { expect, test } from 'vitest';
import { TestLogger } from '../testing/clock.ts';
import { TestCore } from '../testing/core.ts';
import { Promotion } from './promotion.ts';

function createCore(): TestCore {
  return new TestCore({ a: 'voter', d: 'learner', e: 'learner' });
}

/** Returns whether a promotion was proposed. */
function promote(core: TestCore): boolean {
  const before = core.proposed.length;
  new Promotion({ core, logger: new TestLogger() }, { lagEntries: 5, silentTicks: 10 }).onTick();
  return core.proposed.length > before;
}

test('a learner that has nearly everything becomes a voter (dissertation §4.2.1)', () => {
  const core = createCore();
  core.hear('d', { match: 95 });
  expect(promote(core)).toBe(true);
  expect(core.members).toEqual(['a@1:voter', 'd@1:voter', 'e@1:learner']);
});

test('one learner at a time is promoted', () => {
  const core = createCore();
  promote(core);
  expect(promote(core)).toBe(false);
  core.commit();
  expect(promote(core)).toBe(true);
  expect(core.members).toEqual(['a@1:voter', 'd@1:voter', 'e@1:voter']);
});

test.each([
  ['lacks too much', { match: 94 }],
  ['is being probed', { state: 'probe' }],
  ['waits for a snapshot', { state: 'snapshot' }],
  ['has fallen silent', { ticksSinceContact: 10 }],
] as const)('a learner that %s stays a learner, and keeps nobody else waiting', (_, progress) => {
  const core = createCore();
  core.hear('d', progress);
  expect(promote(core)).toBe(true);
  expect(core.members).toEqual(['a@1:voter', 'd@1:learner', 'e@1:voter']);
});

test('a leader that has committed nothing in its own term promotes nobody (trap 15)', () => {
  const core = createCore();
  core.isEstablished = false;
  expect(promote(core)).toBe(false);
});

test('a server that does not lead promotes nobody', () => {
  const core = createCore();
  core.role = 'follower';
  expect([promote(core), core.proposed]).toEqual([false, []]);
});
