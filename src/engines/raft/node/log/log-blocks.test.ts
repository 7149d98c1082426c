import { beforeEach, describe, expect, test } from 'vitest';
import type { Entry } from '../../core/entry.ts';
import type { LogWrite } from '../../core/log.ts';
import type { KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { TestClock } from '../testing/clock.ts';
import { TestStore } from '../testing/store.ts';
import { ALL_BLOCKS, blockKey, firstIndexOf } from './keys.ts';
import { LogBlocks, MAX_BLOCK_ENTRIES, putEntries } from './log-blocks.ts';
import { loadLog } from './log-load.ts';

const NO_BOUND = Number.POSITIVE_INFINITY;

function command(index: number, term: number, bytes = 10): Entry {
  return { kind: 'command', index, term, data: new Uint8Array(bytes).fill(index) };
}

function commandsFrom(first: number, count: number, { term = 1, bytes = 10 } = {}): Entry[] {
  return Array.from({ length: count }, (_, at) => command(first + at, term, bytes));
}

/** Describes what a write does with blocks. */
function describeWrite(operations: readonly WriteOperation[]): string[] {
  return operations.map(({ kind, key }) => `${kind} ${firstIndexOf(key)}`);
}

/** Describes what an adoption does with the log's rows. */
function deleteAll(blocks: KeyValueReader): WriteOperation[] {
  return [...blocks.range(ALL_BLOCKS)].map(({ key }) => ({ kind: 'delete', key }));
}

/** Counts the blocks that are read. */
class CountingReader implements KeyValueReader {
  readonly #reader: KeyValueReader;
  reads = 0;

  constructor(reader: KeyValueReader) {
    this.#reader = reader;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.reads += 1;
    return this.#reader.get(key);
  }

  range(): never {
    throw new Error('blocks are found without a search');
  }
}

let clock: TestClock;
let store: TestStore;
let reader: CountingReader;
let log: LogBlocks;
beforeEach(() => {
  clock = new TestClock();
  store = new TestStore(clock);
  reader = new CountingReader(store);
  const nowhere = { index: 0, term: 0 };
  log = new LogBlocks(reader, loadLog(store, { logStart: nowhere, applied: nowhere }));
});

function issue(operations: readonly WriteOperation[]): string[] {
  store.write(operations, () => undefined);
  return describeWrite(operations);
}

function write(change: Partial<LogWrite>): string[] {
  const done = issue(log.write({ entries: [], remove: undefined, ...change }));
  clock.advance(5);
  return done;
}

function termsFrom(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => log.term(first + at));
}

function expectDamage(read: () => unknown, what: RegExp): void {
  expect(read).toThrow(
    expect.objectContaining({ code: 'log_damaged', message: expect.stringMatching(what) }),
  );
}

describe('what is written together', () => {
  test('is one block', () => {
    expect(write({ entries: commandsFrom(1, 60) })).toEqual(['put 1']);
    expect(write({ entries: commandsFrom(61, 1) })).toEqual(['put 61']);
    expect(log.entries(1, 62, NO_BOUND)).toEqual(commandsFrom(1, 61));
  });

  test('is several blocks when it is large, in bytes or in entries', () => {
    expect(write({ entries: commandsFrom(1, 10, { bytes: 20_000 }) })).toEqual([
      'put 1',
      'put 4',
      'put 7',
      'put 10',
    ]);
    expect(write({ entries: commandsFrom(11, 2 * MAX_BLOCK_ENTRIES + 1) })).toEqual([
      'put 11',
      `put ${11 + MAX_BLOCK_ENTRIES}`,
      `put ${11 + 2 * MAX_BLOCK_ENTRIES}`,
    ]);
  });

  test('puts an entry that is larger than a block into a block of its own', () => {
    const entries = [command(1, 1), command(2, 1, 70_000), command(3, 1)];
    expect(write({ entries })).toEqual(['put 1', 'put 2', 'put 3']);
    expect(log.entries(1, 4, NO_BOUND)).toEqual(entries);
  });

  test('without entries is no block', () => {
    expect(putEntries([])).toEqual([]);
    expect(write({})).toEqual([]);
  });
});

describe('a truncation', () => {
  beforeEach(() => {
    write({ entries: commandsFrom(1, 4) });
    write({ entries: commandsFrom(5, 4) });
    write({ entries: commandsFrom(9, 2) });
  });

  test('deletes the blocks behind it, and puts the straddling block again', () => {
    expect(write({ remove: { first: 7, last: 10 } })).toEqual(['delete 9', 'put 5']);
    expect(log.entries(1, 7, NO_BOUND)).toEqual(commandsFrom(1, 6));
    expectDamage(() => log.term(7), /entry 7 is missing/);
  });

  test('between two blocks puts no block again', () => {
    expect(write({ remove: { first: 5, last: 10 } })).toEqual(['delete 5', 'delete 9']);
  });

  test('by new entries removes the old ones at their indexes (§5.3)', () => {
    expect(write({ entries: commandsFrom(3, 7, { term: 2 }), remove: { first: 10, last: 10 } })).toEqual([
      'delete 5',
      'delete 9',
      'put 1',
      'put 3',
    ]);
    expect(termsFrom(1, 9)).toEqual([1, 1, 2, 2, 2, 2, 2, 2, 2]);
    expectDamage(() => log.term(10), /entry 10 is missing/);
  });

  test('of all entries that are not compacted leaves no block of compacted ones', () => {
    issue(log.compactThrough(6));
    expect(write({ entries: commandsFrom(7, 1, { term: 2 }), remove: { first: 8, last: 10 } })).toEqual([
      'delete 5',
      'delete 9',
      'put 7',
    ]);
  });

  test('keeps the compacted beginning of a block of which entries stay', () => {
    issue(log.compactThrough(6));
    expect(write({ remove: { first: 8, last: 10 } })).toEqual(['delete 9', 'put 5']);
    expect(log.term(7)).toBe(1);
  });

  test('of a damaged block is refused', () => {
    store.write([{ kind: 'put', key: blockKey(5), value: new Uint8Array(30) }], () => undefined);
    clock.advance(5);
    expectDamage(() => log.write({ entries: [], remove: { first: 7, last: 10 } }), /the block of entry 5/);
  });
});

describe('a block that was decoded', () => {
  beforeEach(() => {
    write({ entries: commandsFrom(1, 300) });
    write({ entries: commandsFrom(301, 300) });
  });

  test('is not read again for its other entries, in any order', () => {
    for (let index = 600; index > 0; index--) log.term(index);
    expect(reader.reads).toBe(2);
    for (let index = 1; index <= 600; index += 10) log.entries(index, 601, 200);
    expect(reader.reads).toBe(3);
  });

  test('is never served for entries that a truncation replaced', () => {
    expect(log.term(450)).toBe(1);
    write({ entries: commandsFrom(301, 300, { term: 2 }) });
    expect(termsFrom(300, 302)).toEqual([1, 2, 2]);
  });

  test('shows only the entries that stay while a truncation is under way', () => {
    issue(log.write({ entries: commandsFrom(400, 2, { term: 2 }), remove: { first: 402, last: 600 } }));
    // The disk still has the old block of 300.
    expect(log.term(399)).toBe(1);
    clock.advance(5);
    expect(termsFrom(399, 401)).toEqual([1, 2, 2]);
    expectDamage(() => log.term(402), /entry 402 is missing/);
  });

  test('is never served after a snapshot', () => {
    expect(log.term(450)).toBe(1);
    log.restartAfter(440);
    issue(deleteAll(store));
    write({ entries: commandsFrom(441, 20, { term: 2 }) });
    expect(log.term(450)).toBe(2);
  });
});

describe('a read', () => {
  beforeEach(() => {
    write({ entries: [command(1, 1), command(2, 1, 300)] });
    write({ entries: [command(3, 2, 200)] });
  });

  test('returns at least one entry, and then as many as fit', () => {
    expect(log.entries(2, 4, 1)).toEqual([command(2, 1, 300)]);
    expect(log.entries(1, 4, 400)).toEqual([command(1, 1), command(2, 1, 300)]);
    expect(log.entries(1, 2, NO_BOUND)).toEqual([command(1, 1)]);
  });

  test('never skips a missing entry', () => {
    store.write([{ kind: 'delete', key: blockKey(3) }], () => undefined);
    store.write(putEntries([command(1, 1)]), () => undefined);
    clock.advance(5);
    expectDamage(() => log.term(2), /entry 2 is missing/);
    store.write(putEntries([command(1, 1), command(2, 1)]), () => undefined);
    clock.advance(5);
    expectDamage(() => log.entries(1, 4, NO_BOUND), /entry 3 is missing/);
  });
});

test('a compaction deletes only blocks of which no entry is left', () => {
  write({ entries: commandsFrom(1, 4) });
  write({ entries: commandsFrom(5, 4) });
  expect(issue(log.compactThrough(2))).toEqual([]);
  expect(issue(log.compactThrough(6))).toEqual(['delete 1']);
  clock.advance(5);
  expect(log.entries(7, 9, NO_BOUND)).toEqual(commandsFrom(7, 2));
  expect(issue(log.compactThrough(8))).toEqual(['delete 5']);
  expect(write({ entries: commandsFrom(9, 1) })).toEqual(['put 9']);
});
