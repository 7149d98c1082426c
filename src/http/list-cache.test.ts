import { expect, test } from 'vitest';
import { type ListAnswer, ListCache, listAnswer, MAX_KEPT_BYTES } from './list-cache.ts';

const ofLength = (characters: number): ListAnswer => listAnswer('x'.repeat(characters), undefined);

test('an answer is found only under its key and version', () => {
  const cache = new ListCache();
  const answer = listAnswer('[1]', 'a');
  cache.keep('k', 7, answer);
  expect(cache.get('other', 7)).toBeUndefined();
  expect(cache.get('k', 7)).toBe(answer);
  expect(cache.get('k', 8)).toBeUndefined();
  // The cache forgot the older version.
  expect(cache.get('k', 7)).toBeUndefined();
});

test('equal bytes have equal tags', () => {
  expect(listAnswer('[]', undefined).etag).toBe(listAnswer('[]', undefined).etag);
  expect(listAnswer('[]', undefined).etag).not.toBe(listAnswer('[1]', undefined).etag);
});

test('a list that is too long is not kept', () => {
  const cache = new ListCache();
  cache.keep('k', 1, ofLength(MAX_KEPT_BYTES));
  expect(cache.get('k', 1)).toBeUndefined();
});

test('the memory of all lists is bounded: the least recently used list goes first', () => {
  const cache = new ListCache();
  const length = MAX_KEPT_BYTES / 2;
  for (let count = 0; count < 15; count += 1) {
    cache.keep(`k${count}`, 1, ofLength(length));
    expect(cache.get('k0', 1)).toBeDefined();
  }
  cache.keep('k15', 1, ofLength(length));
  cache.keep('k16', 1, ofLength(length));
  const left = Array.from({ length: 17 }, (_, count) => count).filter(
    (count) => cache.get(`k${count}`, 1) !== undefined,
  );
  expect(left).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});
