import { expect, test } from 'vitest';
import type { StateReader } from '../../../state/state-view.ts';
import type { ProposalOrigin } from '../codec/peer-message.ts';
import { encodeProposal } from '../codec/proposal-codec.ts';
import { type Configuration, EMPTY_CONFIGURATION, withMember, withoutMember } from '../core/configuration.ts';
import type { Entry } from '../core/entry.ts';
import { Applier, type RaftState } from './applier.ts';
import { putApplied } from './log/durable-records.ts';
import { DEFAULT_LIMITS } from './options.ts';
import { ReplicatedState } from './state/replicated-state.ts';
import { TestClock } from './testing/clock.ts';
import { COUNTER } from './testing/cluster.ts';
import { TestStore } from './testing/store.ts';

const A = 'a@1';
const ONLY_A = withMember(EMPTY_CONFIGURATION, {
  server: A,
  role: 'voter',
  raftAddress: 'a:7000',
  httpAddress: 'a:8080',
});

function command(index: number, key: string, origin: Partial<ProposalOrigin> = {}): Entry {
  const data = encodeProposal({
    origin: { server: A, boot: 1, sequence: index, settledBelow: 1, ...origin },
    command: new TextEncoder().encode(key),
  });
  return { kind: 'command', index, term: 1, data };
}

function configurationEntry(index: number, configuration: Configuration): Entry {
  return { kind: 'configuration', index, term: 1, configuration };
}

function createApplier() {
  const applied: unknown[] = [];
  const configured: Configuration[] = [];
  const clock = new TestClock();
  const state: RaftState = new ReplicatedState(
    { store: new TestStore(clock), clock, stateMachine: COUNTER, limits: DEFAULT_LIMITS, putApplied },
    { index: 0, term: 0, configuration: EMPTY_CONFIGURATION, configurationIndex: 0, generation: 1 },
  );
  const applier = new Applier(state, {
    onApplied: (origin, result) => applied.push([origin.sequence, result]),
    onConfiguration: (_, previous) => configured.push(previous),
  });
  applier.apply([configurationEntry(1, ONLY_A)]);
  return { applier, state, view: state.rows, applied, configured };
}

function textOf(view: StateReader): string {
  return JSON.stringify([...view.range({ prefix: '' })]);
}

test('a command that is in the log twice is applied once, and answered once', () => {
  const { applier, view, applied, state } = createApplier();
  applier.apply([command(2, 'x', { sequence: 9 }), command(3, 'x', { sequence: 9 })]);
  expect(view.get('count/x')).toBe(1);
  expect(applied).toEqual([[9, 1]]);
  expect(state.point.index).toBe(3);
});

test('the sessions are part of the state that is written', () => {
  const { applier, state, view } = createApplier();
  applier.apply([command(2, 'x', { sequence: 9 })]);
  applier.sessions.save(view);
  const next = new Applier(state, { onApplied: () => undefined, onConfiguration: () => undefined });
  next.apply([command(3, 'x', { sequence: 9 })]);
  expect(view.get('count/x')).toBe(1);
});

test('bytes that are no proposal change nothing and stop no server', () => {
  const { applier, view, applied, state } = createApplier();
  const before = textOf(view);
  applier.apply([{ kind: 'command', index: 2, term: 1, data: new Uint8Array([255, 255, 255]) }]);
  expect([textOf(view), applied, state.point.index]).toEqual([before, [], 2]);
});

test('a command of a removed server is not applied: it may be a repetition', () => {
  const { applier, view } = createApplier();
  applier.apply([configurationEntry(2, withoutMember(ONLY_A, A)), command(3, 'x')]);
  expect(view.get('count/x')).toBeUndefined();
});

test('the point holds the configuration in force, and the index that set it', () => {
  const { applier, configured, state } = createApplier();
  const next = withoutMember(ONLY_A, A);
  applier.apply([{ kind: 'leader-start', index: 2, term: 2 }, configurationEntry(3, next)]);
  expect(state.point).toEqual({ index: 3, term: 1, configuration: next, configurationIndex: 3 });
  expect(configured).toEqual([EMPTY_CONFIGURATION, ONLY_A]);
});

test('entries are applied without gaps and never twice', () => {
  const { applier } = createApplier();
  expect(() => applier.apply([command(3, 'x')])).toThrow('applied after 1');
  expect(() => applier.apply([configurationEntry(1, ONLY_A)])).toThrow('applied after 1');
});

test('a snapshot that replaces the state brings its sessions with it', () => {
  const { applier, view } = createApplier();
  const source = createApplier();
  source.applier.apply([command(2, 'x', { sequence: 9 })]);
  source.applier.sessions.save(source.view);
  for (const [key, value] of source.view.range({ prefix: '' })) view.put(key, value);
  applier.sessions.load(view);
  applier.apply([command(2, 'x', { sequence: 9 })]);
  expect(view.get('count/x')).toBe(1);
});
