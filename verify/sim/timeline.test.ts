import { expect, test } from 'vitest';
import { ProcessLife } from './process-life.ts';
import { Timeline } from './timeline.ts';

const FAR_MS = 1_000_000;

function runAll(timeline: Timeline): void {
  while (timeline.step(FAR_MS));
}

test('events run in the order of their times, those of one moment in the order of the calls', () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  for (const [delayMs, name] of [
    [5, 'e'],
    [1, 'b'],
    [1, 'c'],
    [0.5, 'a'],
    [1, 'd'],
  ] as const) {
    timeline.schedule(delayMs, undefined, () => seen.push(`${name}@${timeline.nowMs}`));
  }
  runAll(timeline);
  expect(seen).toEqual(['a@0.5', 'b@1', 'c@1', 'd@1', 'e@5']);
});

test('a thousand events run in the order of their times', () => {
  const timeline = new Timeline();
  const times: number[] = [];
  for (let event = 0; event < 1_000; event += 1) {
    timeline.schedule((event * 7_919) % 1_009, undefined, () => times.push(timeline.nowMs));
  }
  runAll(timeline);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times).toHaveLength(1_000);
});

test('a step runs no event beyond the limit, and time advances to the limit', () => {
  const timeline = new Timeline();
  let happened = false;
  timeline.schedule(10, undefined, () => {
    happened = true;
  });
  expect(timeline.step(9)).toBe(false);
  expect([happened, timeline.nowMs]).toEqual([false, 9]);
  expect(timeline.step(10)).toBe(true);
  expect([happened, timeline.nowMs]).toEqual([true, 10]);
});

test('a cancelled event does not run', () => {
  const timeline = new Timeline();
  const event = timeline.schedule(1, undefined, () => expect.unreachable());
  timeline.cancel(event);
  runAll(timeline);
  expect(timeline.events).toBe(0);
});

test('no event of an ended process runs, not even one of its last step', () => {
  const timeline = new Timeline();
  const life = new ProcessLife('a');
  timeline.schedule(1, life, () => {
    life.end();
    timeline.schedule(0, life, () => expect.unreachable());
  });
  timeline.schedule(2, life, () => expect.unreachable());
  runAll(timeline);
  expect(timeline.events).toBe(1);
});

test('events of a paused process run in order when it resumes', () => {
  const timeline = new Timeline();
  const life = new ProcessLife('a');
  const seen: string[] = [];
  timeline.schedule(1, life, () => seen.push(`first@${timeline.nowMs}`));
  timeline.schedule(2, life, () => seen.push(`second@${timeline.nowMs}`));
  timeline.schedule(3, undefined, () => seen.push(`elsewhere@${timeline.nowMs}`));
  timeline.schedule(9, life, () => seen.push(`in time@${timeline.nowMs}`));
  life.pause();
  timeline.step(5);
  timeline.step(5);
  timeline.resume(life);
  runAll(timeline);
  expect(seen).toEqual(['elsewhere@3', 'first@5', 'second@5', 'in time@9']);
});

test('a process can be made to die at a port call', () => {
  const life = new ProcessLife('a');
  let ends = 0;
  life.onEnd(() => {
    ends += 1;
  });
  life.dieAtCall(3);
  expect([1, 2, 3, 4].map(() => life.survivesCall())).toEqual([true, true, false, false]);
  expect(ends).toBe(1);
});

test('equal runs have equal digests, different runs have different ones', () => {
  const digestOf = (delays: readonly number[]): number => {
    const timeline = new Timeline();
    for (const delayMs of delays) timeline.schedule(delayMs, undefined, () => undefined);
    runAll(timeline);
    return timeline.digest;
  };
  expect(digestOf([1, 2, 3])).toBe(digestOf([1, 2, 3]));
  expect(digestOf([1, 2, 3])).not.toBe(digestOf([1, 2, 3.5]));
});
