import { expect, test } from 'vitest';
import type { ReadOutcome } from '../../../engine.ts';
import { TestClock } from '../testing/clock.ts';
import { type ReadOptions, Reads } from './reads.ts';

const OPTIONS: ReadOptions = { firstRequestId: 1_000, maxWaiting: 10, timeoutMs: 300, resendAfterMs: 100 };

function createReads(change: Partial<ReadOptions> = {}) {
  const clock = new TestClock();
  const reads = new Reads(clock, { ...OPTIONS, ...change });
  const add = (): ReadOutcome[] => {
    const outcomes: ReadOutcome[] = [];
    if (!reads.add((outcome) => outcomes.push(outcome)))
      outcomes.push({ kind: 'refused', reason: 'too-busy' });
    return outcomes;
  };
  const ask = (): number[] => {
    const ids: number[] = [];
    reads.maybeAsk((id) => ids.push(id));
    return ids;
  };
  const tick = (ms: number): void => {
    clock.advance(ms);
    reads.tick();
  };
  return { reads, add, ask, tick };
}

const READY = [{ kind: 'ready' }];
const NO_LEADER = [{ kind: 'refused', reason: 'no-leader' }];

test('all reads that wait share one request', () => {
  const { reads, add, ask } = createReads();
  const waiting = [add(), add(), add()];
  expect(ask()).toEqual([1_000]);
  expect(ask()).toEqual([]);
  reads.confirmed(1_000, 5, 5);
  expect(waiting).toEqual([READY, READY, READY]);
});

test('a read that came after a request was asked never rides on it', () => {
  const { reads, add, ask } = createReads();
  const early = add();
  ask();
  const late = add();
  reads.confirmed(1_000, 5, 5);
  expect([early, late]).toEqual([READY, []]);
  expect(ask()).toEqual([1_001]);
  reads.confirmed(1_001, 5, 5);
  expect(late).toEqual(READY);
});

test.each([5, 6])(
  'a read waits until the state holds what was confirmed, when it holds %i of 7',
  (applied) => {
    const { reads, add, ask } = createReads();
    const [low, high] = [add(), add()];
    ask();
    reads.confirmed(1_000, 7, applied);
    expect([low, high]).toEqual([[], []]);
    reads.applied(6);
    expect([low, high]).toEqual([[], []]);
    reads.applied(7);
    expect([low, high]).toEqual([READY, READY]);
  },
);

test('a few requests are under way at once, not one for each round', () => {
  const { add, ask, reads } = createReads();
  for (let more = 0; more < 2; more++) {
    add();
    ask();
  }
  const third = add();
  expect(ask()).toEqual([]);
  reads.confirmed(1_000, 1, 1);
  expect(ask()).toEqual([1_002]);
  expect(third).toEqual([]);
});

test('an answer that comes twice, or for a request that was given up, confirms nothing (trap 26)', () => {
  const { reads, add, ask } = createReads();
  const early = add();
  ask();
  reads.leaderChanged();
  reads.confirmed(1_000, 5, 5);
  expect(early).toEqual([]);
  expect(ask()).toEqual([1_001]);
  reads.confirmed(1_000, 5, 5);
  expect(early).toEqual([]);
});

test('ids of an earlier start are not used again (trap 26)', () => {
  const { reads, add, ask } = createReads({ firstRequestId: 2_000 });
  const waiting = add();
  expect(ask()).toEqual([2_000]);
  reads.confirmed(1_000, 5, 5);
  expect(waiting).toEqual([]);
});

test('a refused request is asked again at the next tick, not at once', () => {
  const { reads, add, ask, tick } = createReads();
  const waiting = add();
  ask();
  reads.refused(1_000);
  expect(ask()).toEqual([]);
  tick(1);
  expect(ask()).toEqual([1_001]);
  expect(waiting).toEqual([]);
});

test('a new leader is asked at once', () => {
  const { reads, add, ask } = createReads();
  add();
  ask();
  reads.refused(1_000);
  reads.leaderChanged();
  expect(ask()).toEqual([1_001]);
});

test('a request that is lost is asked again with another id', () => {
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
  ['nobody answers', ({ ask }: { ask: () => void }) => ask()],
  [
    'what was confirmed is never applied',
    ({ ask, reads }: { ask: () => void; reads: Reads }) => {
      ask();
      reads.confirmed(1_000, 9, 1);
    },
  ],
])('a read ends though %s', (_, meanwhile) => {
  const parts = createReads();
  const waiting = parts.add();
  meanwhile(parts);
  for (let ms = 0; ms < 450; ms += 10) parts.tick(10);
  expect(waiting).toEqual(NO_LEADER);
});

test('who waits for a request that is not asked again yet gives up at its own time all the same', () => {
  const { reads, add, ask, tick } = createReads({ resendAfterMs: 1_000, maxWaiting: 2 });
  const early = add();
  tick(200);
  const late = add();
  ask();
  tick(100);
  expect([early, late]).toEqual([NO_LEADER, []]);
  reads.confirmed(1_000, 5, 5);
  expect([early, late]).toEqual([NO_LEADER, READY]);
  const lost = add();
  expect(ask()).toEqual([1_001]);
  tick(300);
  expect(lost).toEqual(NO_LEADER);
  // What it held is free again.
  const again = add();
  expect(ask()).toEqual([1_002]);
  reads.confirmed(1_002, 5, 5);
  expect(again).toEqual(READY);
});

test('more reads than may wait are refused, until others have ended (trap 36)', () => {
  const { reads, add, ask } = createReads({ maxWaiting: 1 });
  const first = add();
  expect(add()).toEqual([{ kind: 'refused', reason: 'too-busy' }]);
  ask();
  expect(add()).toEqual([{ kind: 'refused', reason: 'too-busy' }]);
  reads.confirmed(1_000, 1, 1);
  expect([first, add()]).toEqual([READY, []]);
});

test('a stop answers every read, wherever it waits', () => {
  const { reads, add, ask } = createReads();
  const confirmed = add();
  ask();
  reads.confirmed(1_000, 9, 1);
  const asked = add();
  ask();
  const gathering = add();
  reads.stop();
  const stopped = [{ kind: 'refused', reason: 'stopped' }];
  expect([confirmed, asked, gathering]).toEqual([stopped, stopped, stopped]);
});
