import { expect, test } from 'vitest';
import { RowCache } from './row-cache.ts';

test('the cache keeps four thousand rows, and drops the oldest', () => {
  const cache = new RowCache();
  for (let row = 0; row < 4_100; row += 1) cache.keep(`row${row}`, row, 10);
  expect(cache.get('row3')).toBeUndefined();
  expect([cache.get('row4'), cache.get('row4099')]).toEqual([4, 4_099]);
});

test('long rows are not cached, nor rows that were forgotten', () => {
  const cache = new RowCache();
  cache.keep('long', 'x', 1_025);
  expect(cache.get('long')).toBeUndefined();
  cache.keep('a', 1, 1_024);
  cache.keep('b', 2, 1);
  cache.forget('a');
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 2]);
  cache.clear();
  expect(cache.get('b')).toBeUndefined();
});
