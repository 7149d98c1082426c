import { describe, expect, test } from 'vitest';
import { parseDurationMs } from './duration.ts';

describe('durations', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['90s', 90_000],
    ['4m', 240_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['2.s', 2_000],
    ['1m1s1ms', 61_001],
    ['1500us', 2],
    ['1500µs', 2],
    ['400ns', 0],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  test.each([
    '',
    '5',
    '-1s',
    '+1s',
    '1',
    's',
    '1 s',
    '1d',
    '1s ',
    'ms5',
    '1e3s',
    '1.2.3s',
    '.s',
    '900000000h',
  ])('"%s" is not a duration', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  test('hundreds of thousands of digits are refused at once', () => {
    // An expression that takes quadratic time would run into the time-out of the test.
    expect(parseDurationMs('1'.repeat(400_000))).toBeUndefined();
  });
});
