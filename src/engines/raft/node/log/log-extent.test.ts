import { expect, test } from 'vitest';
import type { Entry } from '../../core/entry.ts';
import { LogExtent } from './log-extent.ts';

const LIMITS = { compactAfterEntries: 10, compactAfterBytes: 10_000, keepEntries: 4 };
const NO_BOUND = Number.POSITIVE_INFINITY;

function commandsFrom(first: number, { count, bytes = 10 }: { count: number; bytes?: number }): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: 'command',
    index: first + at,
    term: 1,
    data: new Uint8Array(bytes),
  }));
}

/** All entries in one block, unless the test says otherwise. */
function extentOf(extent: {
  first: number;
  last: number;
  bytes?: number;
  blockStarts?: number[];
}): LogExtent {
  const blockStarts = extent.last < extent.first ? [] : [extent.first];
  return new LogExtent({ bytes: 0, blockStarts, ...extent });
}

/** Entries 8 to 20 of blocks 5 to 9, 10 to 14 and 15 to 20. */
function threeBlocks(): LogExtent {
  return extentOf({ first: 8, last: 20, blockStarts: [5, 10, 15] });
}

test('a log within its bounds is not compacted', () => {
  expect(extentOf({ first: 1, last: 10, bytes: 10_000 }).compactionEnd(LIMITS, NO_BOUND)).toBeUndefined();
});

test('a log with too many entries keeps the last few', () => {
  expect(extentOf({ first: 1, last: 11 }).compactionEnd(LIMITS, NO_BOUND)).toBe(7);
});

test('a log with too many bytes is halved, also when it has few entries', () => {
  expect(extentOf({ first: 1, last: 6, bytes: 10_001 }).compactionEnd(LIMITS, NO_BOUND)).toBe(3);
});

test('nothing above the bound is compacted', () => {
  const extent = extentOf({ first: 5, last: 50 });
  expect(extent.compactionEnd(LIMITS, 9)).toBe(9);
  expect(extent.compactionEnd(LIMITS, 4)).toBeUndefined();
});

test('one write deletes only so many blocks, however many entries they hold', () => {
  const blockStarts = Array.from({ length: 10_000 }, (_, at) => 1 + 10 * at);
  const extent = extentOf({ first: 4, last: 100_000, blockStarts });
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(20_480);
  expect(extent.compactThrough(20_480)).toHaveLength(2_048);
});

test('the extent follows writes, compactions and snapshots', () => {
  const extent = extentOf({ first: 1, last: 0 });
  extent.append(commandsFrom(1, { count: 3, bytes: 5_000 }));
  expect([extent.first, extent.last, extent.count]).toEqual([1, 3, 3]);
  expect(extent.compactionEnd(LIMITS, NO_BOUND)).toBe(2);
  extent.compactThrough(2);
  expect([extent.first, extent.compactionEnd(LIMITS, NO_BOUND)]).toEqual([3, undefined]);
  extent.restartAfter(70);
  expect([extent.first, extent.last, extent.count]).toEqual([71, 70, 0]);
  extent.append(commandsFrom(71, { count: 1 }));
  expect(extent.truncateFrom(71)).toEqual([71]);
});

test('an entry is in the block that begins last at or before it, if the log has it', () => {
  const extent = threeBlocks();
  expect([8, 9, 10, 14, 15, 20].map((index) => extent.blockOf(index))).toEqual([
    { first: 5, last: 9 },
    { first: 5, last: 9 },
    { first: 10, last: 14 },
    { first: 10, last: 14 },
    { first: 15, last: 20 },
    { first: 15, last: 20 },
  ]);
  expect([7, 21].map((index) => extent.blockOf(index))).toEqual([undefined, undefined]);
});

test('a block that leaves a gap is a bug', () => {
  expect(() => threeBlocks().append(commandsFrom(22, { count: 1 }))).toThrow('entry 22 does not follow 20');
});

test('a truncation deletes the blocks from there on, and shortens the one that began before', () => {
  const extent = threeBlocks();
  expect(extent.truncateFrom(12)).toEqual([15]);
  expect([extent.last, extent.blockOf(11)]).toEqual([11, { first: 10, last: 11 }]);
  expect(extent.truncateFrom(10)).toEqual([10]);
  expect([extent.last, extent.blockOf(9)]).toEqual([9, { first: 5, last: 9 }]);
  extent.append(commandsFrom(10, { count: 2 }));
  expect([extent.last, extent.blockOf(11)]).toEqual([11, { first: 10, last: 11 }]);
});

test('a truncation at the first entry leaves no block of compacted entries behind', () => {
  const extent = threeBlocks();
  expect(extent.truncateFrom(8)).toEqual([5, 10, 15]);
  expect([extent.last, extent.count]).toEqual([7, 0]);
});

test('compacted entries are never truncated (trap 14)', () => {
  expect(() => threeBlocks().truncateFrom(7)).toThrow('entry 7 is compacted');
});

test('a compaction deletes the blocks of which no entry is left', () => {
  const extent = threeBlocks();
  expect(extent.compactThrough(8)).toEqual([]);
  expect(extent.compactThrough(13)).toEqual([5]);
  expect(extent.blockOf(14)).toEqual({ first: 10, last: 14 });
  expect(extent.compactThrough(14)).toEqual([10]);
  expect(extent.compactThrough(20)).toEqual([15]);
  expect([extent.first, extent.count]).toEqual([21, 0]);
});
