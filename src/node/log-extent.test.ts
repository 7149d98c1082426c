import { expect, test } from 'vitest';
import type { Entry } from '../raft/entry.ts';
import { LogExtent } from './log-extent.ts';

const LIMITS = { compactAfterEntries: 10, compactAfterBytes: 10_000, keepEntries: 4 };
const NO_BOUND = Number.POSITIVE_INFINITY;

function commandOf(index: number, bytes: number): Entry {
  return { kind: 'command', index, term: 1, data: new Uint8Array(bytes) };
}

test('a log within its bounds is not compacted', () => {
  const extent = new LogExtent({ first: 1, last: 10, bytes: 10_000 });
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBeUndefined();
});

test('a log with too many entries keeps the last few', () => {
  const extent = new LogExtent({ first: 1, last: 11, bytes: 0 });
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(7);
});

test('a log with too many bytes is halved, also when it has few entries', () => {
  const extent = new LogExtent({ first: 1, last: 6, bytes: 10_001 });
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(3);
});

test('nothing above the bound is compacted', () => {
  const extent = new LogExtent({ first: 5, last: 50, bytes: 0 });
  expect(extent.compactionEnd(LIMITS, 9)).toBe(9);
  expect(extent.compactionEnd(LIMITS, 4)).toBeUndefined();
});

test('one write compacts only so much', () => {
  const extent = new LogExtent({ first: 1, last: 100_000, bytes: 0 });
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(2_048);
});

test('it follows what is written, compacted, and replaced by a snapshot', () => {
  const extent = new LogExtent({ first: 1, last: 0, bytes: 0 });
  extent.wrote([commandOf(1, 5_000), commandOf(2, 5_000), commandOf(3, 5_000)], 3);
  expect([extent.first, extent.last, extent.count]).toEqual([1, 3, 3]);
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(2);
  extent.compactedThrough(2);
  expect([extent.first, extent.compactionEnd(LIMITS, NO_BOUND)]).toEqual([3, undefined]);
  extent.restartAfter(70);
  expect([extent.first, extent.last, extent.count]).toEqual([71, 70, 0]);
});

test('a truncation that a later write makes up for leaves the end where the log ends', () => {
  const extent = new LogExtent({ first: 1, last: 9, bytes: 0 });
  extent.wrote([commandOf(5, 10)], 5);
  expect([extent.last, extent.count]).toEqual([5, 5]);
});
