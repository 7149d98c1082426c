import { expect, test } from 'vitest';
import type { ReadOutcome } from '../../../engine.ts';
import { TestClock } from '../testing/clock.ts';
import { type ReadOptions, Reads } from './reads.ts';

const OPTIONS: ReadOptions = { firstRequestId: 1_000, maxWaiting: 10, timeoutMs: 300, resendAfterMs: 100 };

function createReads(change: Partial<ReadOptions> = {}) {
  const clock = new TestClock();
  let ids: number[] = [];
  const replica = {
    appliedIndex: 0,
    core: {
      readIndex: (requestId: number) => {
        ids.push(requestId);
      },
    },
  };
  const reads = new Reads({ clock, replica }, { ...OPTIONS, ...change });
  const add = (): ReadOutcome[] => {
    const outcomes: ReadOutcome[] = [];
    const reason = reads.add((outcome) => outcomes.push(outcome));
    if (reason !== undefined) outcomes.push({ kind: 'refused', reason });
    return outcomes;
  };
  const ask = (): number[] => {
    ids = [];
    reads.beforeRound();
    return ids;
  };
  const tick = (ms: number): void => {
    clock.advance(ms);
    reads.onTick();
  };
  /** The leader confirms a request while this node has applied entries up to `appliedIndex`. */
  const confirm = (requestId: number, readIndex: number, appliedIndex: number): void => {
    replica.appliedIndex = appliedIndex;
    reads.onReadConfirmed(requestId, readIndex);
    reads.afterRound();
  };
  const apply = (appliedIndex: number): void => {
    replica.appliedIndex = appliedIndex;
    reads.afterRound();
  };
  return { reads, add, ask, tick, confirm, apply };
}

const READY = [{ kind: 'ready' }];
const NO_LEADER = [{ kind: 'refused', reason: 'no-leader' }];

test('all waiting reads share one request', () => {
  const { add, ask, confirm } = createReads();
  const waiting = [add(), add(), add()];
  expect(ask()).toEqual([1_000]);
  expect(ask()).toEqual([]);
  confirm(1_000, 5, 5);
  expect(waiting).toEqual([READY, READY, READY]);
});

test('a read that came after a request was sent never shares it', () => {
  const { add, ask, confirm } = createReads();
  const early = add();
  ask();
  const late = add();
  confirm(1_000, 5, 5);
  expect([early, late]).toEqual([READY, []]);
  expect(ask()).toEqual([1_001]);
  confirm(1_001, 5, 5);
  expect(late).toEqual(READY);
});

test.each([5, 6])(
  'a read waits until the state holds what was confirmed, when it holds %i of 7',
  (applied) => {
    const { add, ask, confirm, apply } = createReads();
    const [low, high] = [add(), add()];
    ask();
    confirm(1_000, 7, applied);
    expect([low, high]).toEqual([[], []]);
    apply(6);
    expect([low, high]).toEqual([[], []]);
    apply(7);
    expect([low, high]).toEqual([READY, READY]);
  },
);

test('the number of requests under way is bounded', () => {
  const { add, ask, confirm } = createReads();
  for (let more = 0; more < 2; more++) {
    add();
    ask();
  }
  const third = add();
  expect(ask()).toEqual([]);
  confirm(1_000, 1, 1);
  expect(ask()).toEqual([1_002]);
  expect(third).toEqual([]);
});

test('a repeated answer, or one for a request that was given up, confirms nothing (trap 26)', () => {
  const { reads, add, ask, confirm } = createReads();
  const early = add();
  ask();
  reads.onNewLeader();
  confirm(1_000, 5, 5);
  expect(early).toEqual([]);
  expect(ask()).toEqual([1_001]);
  confirm(1_000, 5, 5);
  expect(early).toEqual([]);
});

test('ids of an earlier start are not used again (trap 26)', () => {
  const { add, ask, confirm } = createReads({ firstRequestId: 2_000 });
  const waiting = add();
  expect(ask()).toEqual([2_000]);
  confirm(1_000, 5, 5);
  expect(waiting).toEqual([]);
});

test('a refused request is asked again at the next tick, not at once', () => {
  const { reads, add, ask, tick } = createReads();
  const waiting = add();
  ask();
  reads.onReadRefused(1_000);
  expect(ask()).toEqual([]);
  tick(1);
  expect(ask()).toEqual([1_001]);
  expect(waiting).toEqual([]);
});

test('a new leader is asked at once', () => {
  const { reads, add, ask } = createReads();
  add();
  ask();
  reads.onReadRefused(1_000);
  reads.onNewLeader();
  expect(ask()).toEqual([1_001]);
});

test('a lost request is repeated with another id', () => {
  const { add, ask, tick } = createReads();
  add();
  ask();
  tick(99);
  expect(ask()).toEqual([]);
  tick(1);
  expect(ask()).toEqual([1_001]);
});

test.each([
  ['nobody is asked', () => undefined],
  ['nobody answers', ({ ask }: ReturnType<typeof createReads>) => ask()],
  [
    'what was confirmed is never applied',
    ({ ask, confirm }: ReturnType<typeof createReads>) => {
      ask();
      confirm(1_000, 9, 1);
    },
  ],
])('a read ends though %s', (_, meanwhile) => {
  const parts = createReads();
  const waiting = parts.add();
  meanwhile(parts);
  for (let ms = 0; ms < 450; ms += 10) parts.tick(10);
  expect(waiting).toEqual(NO_LEADER);
});

test('a read gives up at its own deadline, even if its request is not repeated yet', () => {
  const { add, ask, tick, confirm } = createReads({ resendAfterMs: 1_000, maxWaiting: 2 });
  const early = add();
  tick(200);
  const late = add();
  ask();
  tick(100);
  expect([early, late]).toEqual([NO_LEADER, []]);
  confirm(1_000, 5, 5);
  expect([early, late]).toEqual([NO_LEADER, READY]);
  const lost = add();
  expect(ask()).toEqual([1_001]);
  tick(300);
  expect(lost).toEqual(NO_LEADER);
  // Its place among the waiting reads is free again.
  const again = add();
  expect(ask()).toEqual([1_002]);
  confirm(1_002, 5, 5);
  expect(again).toEqual(READY);
});

test('reads above the bound are refused, until others have ended (trap 36)', () => {
  const { add, ask, confirm } = createReads({ maxWaiting: 1 });
  const first = add();
  expect(add()).toEqual([{ kind: 'refused', reason: 'too-busy' }]);
  ask();
  expect(add()).toEqual([{ kind: 'refused', reason: 'too-busy' }]);
  confirm(1_000, 1, 1);
  expect([first, add()]).toEqual([READY, []]);
});

test('a stop answers every waiting read', () => {
  const { reads, add, ask, confirm } = createReads();
  const confirmed = add();
  ask();
  confirm(1_000, 9, 1);
  const asked = add();
  ask();
  const gathering = add();
  reads.onStop();
  const stopped = [{ kind: 'refused', reason: 'stopped' }];
  expect([confirmed, asked, gathering]).toEqual([stopped, stopped, stopped]);
});
