import { expect, test } from 'vitest';
import { Draws } from '../kit/draws.ts';
import { ProcessLife } from './process-life.ts';
import { HostClock, SimulatedClock } from './simulated-clock.ts';
import { Timeline } from './timeline.ts';

function start(): { timeline: Timeline; host: HostClock; clock: SimulatedClock; life: ProcessLife } {
  const timeline = new Timeline();
  const host = new HostClock(timeline, { startMs: 500, wallOffsetMs: 1_000_000 });
  const life = new ProcessLife('a');
  return { timeline, host, life, clock: new SimulatedClock(timeline, { host, life, draws: new Draws(1) }) };
}

test('a fast clock shows a later time, fires timers earlier, and never goes back', () => {
  const { timeline, host, clock } = start();
  timeline.step(100);
  expect(clock.now()).toBe(600);
  host.drift(2);
  let calledAt = 0;
  clock.after(50, () => {
    calledAt = timeline.nowMs;
  });
  timeline.step(1_000);
  expect(calledAt).toBe(125);
  expect(clock.now()).toBe(650);
  host.drift(0.5);
  expect(clock.now()).toBe(650);
  timeline.step(225);
  expect(clock.now()).toBe(700);
});

test('setting the wall clock does not change the monotonic clock', () => {
  const { host, clock } = start();
  host.jump(-400);
  expect(clock.now()).toBe(500);
  expect(clock.wallClock()).toBe(1_000_100);
});

test('timers may be late but are never early', () => {
  const { timeline, host, clock } = start();
  host.maxLatenessMs = 20;
  const lateness: number[] = [];
  for (let timer = 0; timer < 200; timer += 1) clock.after(10, () => lateness.push(timeline.nowMs - 10));
  while (timeline.step(1_000));
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateness)).toBeLessThanOrEqual(20);
  expect(Math.max(...lateness)).toBeGreaterThan(10);
});

test('a `soon` callback runs after earlier events of the same moment, before time advances', () => {
  const { timeline, clock } = start();
  const seen: string[] = [];
  timeline.schedule(0, undefined, () => seen.push('waits'));
  clock.soon(() => seen.push('soon'));
  clock.after(0.001, () => seen.push('later'));
  while (timeline.step(10));
  expect(seen).toEqual(['waits', 'soon', 'later']);
});

test('a dead process gets no callbacks', () => {
  const { timeline, clock, life } = start();
  clock.after(5, () => expect.unreachable());
  life.end();
  clock.soon(() => expect.unreachable());
  clock.after(1, () => expect.unreachable()).cancel();
  while (timeline.step(10));
  expect(timeline.events).toBe(0);
});
