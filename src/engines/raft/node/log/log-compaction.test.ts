import { expect, test } from 'vitest';
import type { Entry } from '../../core/entry.ts';
import type { WriteOperation } from '../ports/key-value-store.ts';
import { TestClock } from '../testing/clock.ts';
import { TestStore } from '../testing/store.ts';
import { firstIndexOf } from './keys.ts';
import { LogBlocks } from './log-blocks.ts';

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
function logOf(log: { first: number; last: number; bytes?: number; blockStarts?: number[] }): LogBlocks {
  const { first, last, bytes = 0, blockStarts = last < first ? [] : [first] } = log;
  return new LogBlocks(new TestStore(new TestClock()), {
    logStart: { index: first - 1, term: 1 },
    lastLog: { index: last, term: 1 },
    logBytes: bytes,
    blockStarts,
    configurations: [],
  });
}

/** Entries 8 to 20 of blocks 5 to 9, 10 to 14 and 15 to 20. */
function threeBlocks(): LogBlocks {
  return logOf({ first: 8, last: 20, blockStarts: [5, 10, 15] });
}

function put(log: LogBlocks, entries: readonly Entry[]): string[] {
  return describeWrite(log.write({ entries, remove: undefined }));
}

function removeFrom(log: LogBlocks, first: number): string[] {
  return describeWrite(log.write({ entries: [], remove: { first, last: 20 } }));
}

function describeWrite(operations: readonly WriteOperation[]): string[] {
  return operations.map(({ kind, key }) => `${kind} ${firstIndexOf(key)}`);
}

test('a log within its bounds is not compacted', () => {
  expect(logOf({ first: 1, last: 10, bytes: 10_000 }).compactionEnd(LIMITS, NO_BOUND)).toBeUndefined();
});

test('a log with too many entries keeps the last few', () => {
  expect(logOf({ first: 1, last: 11 }).compactionEnd(LIMITS, NO_BOUND)).toBe(7);
});

test('a log with too many bytes is halved, also when it has few entries', () => {
  expect(logOf({ first: 1, last: 6, bytes: 10_001 }).compactionEnd(LIMITS, NO_BOUND)).toBe(3);
});

test('nothing above the bound is compacted', () => {
  const log = logOf({ first: 5, last: 50 });
  expect(log.compactionEnd(LIMITS, 9)).toBe(9);
  expect(log.compactionEnd(LIMITS, 4)).toBeUndefined();
});

test('one write deletes only so many blocks, however many entries they hold', () => {
  const blockStarts = Array.from({ length: 10_000 }, (_, at) => 1 + 10 * at);
  const log = logOf({ first: 4, last: 100_000, blockStarts });
  expect(log.compactionEnd(LIMITS, NO_BOUND)).toBe(20_480);
  expect(log.compactThrough(20_480)).toHaveLength(2_048);
});

test('the bounds follow writes, compactions and snapshots', () => {
  const log = logOf({ first: 1, last: 0 });
  put(log, commandsFrom(1, { count: 3, bytes: 5_000 }));
  expect(log.compactionEnd(LIMITS, NO_BOUND)).toBe(2);
  log.compactThrough(2);
  expect(log.compactionEnd(LIMITS, NO_BOUND)).toBeUndefined();
  log.restartAfter(70);
  expect(put(log, commandsFrom(71, { count: 12 }))).toEqual(['put 71']);
  expect(log.compactionEnd(LIMITS, NO_BOUND)).toBe(78);
  expect(removeFrom(log, 71)).toEqual(['delete 71']);
  expect(log.compactionEnd(LIMITS, NO_BOUND)).toBeUndefined();
});

test('a block that leaves a gap is a bug', () => {
  expect(() => put(threeBlocks(), commandsFrom(22, { count: 1 }))).toThrow('entry 22 does not follow 20');
});

test('a truncation at the first entry leaves no block of compacted entries behind', () => {
  expect(removeFrom(threeBlocks(), 8)).toEqual(['delete 5', 'delete 10', 'delete 15']);
});

test('compacted entries are never truncated (trap 14)', () => {
  expect(() => removeFrom(threeBlocks(), 7)).toThrow('entry 7 is compacted');
});

test('a compaction deletes the blocks of which no entry is left', () => {
  const log = threeBlocks();
  expect(describeWrite(log.compactThrough(8))).toEqual([]);
  expect(describeWrite(log.compactThrough(13))).toEqual(['delete 5']);
  expect(describeWrite(log.compactThrough(14))).toEqual(['delete 10']);
  expect(describeWrite(log.compactThrough(20))).toEqual(['delete 15']);
});
