import { expect, test } from 'vitest';
import { median, medianOf, percentile } from './statistics.ts';

test('the median is the middle one, or the mean of the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('a percentile is a value that was seen', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(percentile(values, 90)).toBe(90);
  expect(percentile(values, 100)).toBe(100);
  expect(percentile([3], 1)).toBe(3);
});

test('records are reduced to the median of each field', () => {
  expect(
    medianOf([
      { a: 1, b: 9 },
      { a: 3, b: 7 },
      { a: 2, b: 8 },
    ]),
  ).toEqual({ a: 2, b: 8 });
});
