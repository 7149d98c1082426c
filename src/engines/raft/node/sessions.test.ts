import { expect, test } from 'vitest';
import { MemoryState } from '../../../state/memory-state.ts';
import type { ProposalOrigin } from '../codec/peer-message.ts';
import { Sessions } from './sessions.ts';

function origin(change: Partial<ProposalOrigin> = {}): ProposalOrigin {
  return { server: 'a@1', boot: 1, sequence: 1, settledBelow: 1, ...change };
}

function reloaded(sessions: Sessions, view = new MemoryState()): Sessions {
  sessions.save(view);
  const copy = new Sessions();
  copy.load(view);
  return copy;
}

test('a proposal is admitted once, however often it is repeated', () => {
  const sessions = new Sessions();
  expect([1, 2, 3].map(() => sessions.admit(origin()))).toEqual([true, false, false]);
});

test('proposals are admitted in any order', () => {
  const sessions = new Sessions();
  const admitted = [3, 1, 2, 1, 3].map((sequence) => sessions.admit(origin({ sequence })));
  expect(admitted).toEqual([true, true, true, false, false]);
});

test('servers do not share sequences', () => {
  const sessions = new Sessions();
  expect(sessions.admit(origin())).toBe(true);
  expect(sessions.admit(origin({ server: 'b@1' }))).toBe(true);
});

test('a new start of a process has a new session, and proposals of earlier starts are refused from then on', () => {
  const sessions = new Sessions();
  sessions.admit(origin({ boot: 1, sequence: 7 }));
  expect(sessions.admit(origin({ boot: 2, sequence: 7 }))).toBe(true);
  expect(sessions.admit(origin({ boot: 1, sequence: 8 }))).toBe(false);
  expect(sessions.admit(origin({ boot: 2, sequence: 7 }))).toBe(false);
});

test('a proposal that its origin has settled is refused, although its record is gone', () => {
  const sessions = new Sessions();
  sessions.admit(origin({ sequence: 1 }));
  sessions.admit(origin({ sequence: 5, settledBelow: 5 }));
  expect(sessions.admit(origin({ sequence: 1 }))).toBe(false);
  // Given up before it was applied, so it must not be applied later.
  expect(sessions.admit(origin({ sequence: 4 }))).toBe(false);
});

test('an older bound does not bring back a settled proposal', () => {
  const sessions = new Sessions();
  sessions.admit(origin({ sequence: 9, settledBelow: 9 }));
  sessions.admit(origin({ sequence: 10, settledBelow: 2 }));
  expect(sessions.admit(origin({ sequence: 3, settledBelow: 1 }))).toBe(false);
});

test('a repetition moves the bound too', () => {
  const sessions = new Sessions();
  sessions.admit(origin({ sequence: 5 }));
  sessions.admit(origin({ sequence: 5, settledBelow: 5 }));
  expect(sessions.admit(origin({ sequence: 4 }))).toBe(false);
});

test('saved and loaded sessions still recognise repetitions (trap 35)', () => {
  const sessions = new Sessions();
  for (const sequence of [2, 4]) sessions.admit(origin({ sequence, boot: 3, settledBelow: 2 }));
  const copy = reloaded(sessions);
  const admitted = [1, 2, 3, 4].map((sequence) => copy.admit(origin({ sequence, boot: 3 })));
  expect(admitted).toEqual([false, false, true, false]);
  expect(copy.admit(origin({ sequence: 9, boot: 2 }))).toBe(false);
});

test('the order in which proposals were applied leaves no trace in the state', () => {
  const [one, other] = [new MemoryState(), new MemoryState()];
  for (const [view, sequences] of [
    [one, [1, 2, 3]],
    [other, [3, 1, 2]],
  ] as const) {
    const sessions = new Sessions();
    for (const sequence of sequences) sessions.admit(origin({ sequence }));
    sessions.save(view);
  }
  expect(one.toText()).toBe(other.toText());
});

test('a server that is no longer a member leaves no row behind', () => {
  const view = new MemoryState();
  const sessions = new Sessions();
  sessions.admit(origin());
  sessions.admit(origin({ server: 'b@1' }));
  sessions.save(view);
  sessions.retain(new Set(['b@1']));
  sessions.save(view);
  expect(view.toText()).not.toContain('a@1');
  expect(view.toText()).toContain('b@1');
});

test('a load forgets proposals that are not in the loaded state', () => {
  const view = new MemoryState();
  const sessions = new Sessions();
  sessions.admit(origin({ sequence: 1 }));
  sessions.save(view);
  sessions.admit(origin({ sequence: 2 }));
  sessions.load(view);
  expect(sessions.admit(origin({ sequence: 1 }))).toBe(false);
  expect(sessions.admit(origin({ sequence: 2 }))).toBe(true);
});
