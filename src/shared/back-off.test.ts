import { expect, test } from 'vitest';
import { BackOff } from './back-off.ts';

const delays = (backOff: BackOff, count: number): number[] =>
  Array.from({ length: count }, () => backOff.nextDelayMs());

test('delays double up to the bound, and a reset starts again at the minimum', () => {
  const backOff = new BackOff({ minMs: 20, maxMs: 100, random: () => 0 });
  expect(delays(backOff, 5)).toEqual([20, 40, 80, 100, 100]);
  backOff.reset();
  expect(backOff.nextDelayMs()).toBe(20);
});

test('jitter shortens a delay by up to a half', () => {
  const backOff = new BackOff({ minMs: 20, maxMs: 100, random: () => 0.5 });
  expect(delays(backOff, 2)).toEqual([15, 30]);
});
