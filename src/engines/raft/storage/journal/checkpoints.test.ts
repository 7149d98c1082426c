import { afterEach, expect, test, vi } from 'vitest';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { diskFull, storageFailed } from '../storage-errors.ts';
import { Checkpoints, checkpointRow } from './checkpoints.ts';
import type { Journal } from './journal.ts';

function textOf({ key }: { readonly key: Uint8Array }): string {
  return Buffer.from(key).toString('latin1');
}

afterEach(() => {
  vi.useRealTimers();
});

function rows(count: number): WriteOperation[] {
  return Array.from({ length: count }, (_, at) => {
    return { kind: 'put', key: Buffer.from(`${10_000 + at}`), value: Buffer.from('row') };
  });
}

/** Checkpoints over an LMDB that takes operations, or fails as the test says. */
function createCheckpoints() {
  vi.useFakeTimers();
  const written: (readonly WriteOperation[])[] = [];
  const ends: (Error | undefined)[] = [];
  const lmdb: { failure: Error | undefined } = { failure: undefined };
  const tree = {
    writeAccepted: (operations: readonly WriteOperation[], done: (error: Error | undefined) => void) => {
      written.push(operations);
      done(lmdb.failure);
    },
  } as unknown as LmdbStore;
  const position = { frame: 1, segment: 1 };
  const journal = { position, neededBytes: 0, release: () => undefined } as unknown as Journal;
  const limits = { segmentBytes: 1_000_000, checkpointBytes: 1_000_000 };
  const checkpoints = new Checkpoints({ tree, journal, limits }, (error) => ends.push(error));
  const sizes = (): number[] => written.splice(0).map(({ length }) => length);
  return { checkpoints, lmdb, written, ends, sizes, position };
}

test('a checkpoint that found the disk full starts again in small transactions; the next one uses large ones', () => {
  const { checkpoints, lmdb, written, sizes, position } = createCheckpoints();
  lmdb.failure = diskFull('here');
  checkpoints.hold(rows(1_000));
  checkpoints.begin();
  expect(sizes()).toEqual([800]);
  lmdb.failure = undefined;
  vi.advanceTimersByTime(1_000);
  expect(written.flat().map(textOf)).toEqual([...rows(1_000), checkpointRow(position)].map(textOf));
  // The last transaction also has the checkpoint's row.
  expect(sizes()).toEqual([...Array.from({ length: 9 }, () => 100), 101]);
  checkpoints.hold(rows(1_000));
  checkpoints.begin();
  expect(sizes()).toEqual([800, 201]);
});

test('a checkpoint that fails for another reason after a full disk is reported, and not tried again', () => {
  const { checkpoints, lmdb, ends, sizes } = createCheckpoints();
  lmdb.failure = diskFull('here');
  checkpoints.hold(rows(10));
  checkpoints.begin();
  expect([checkpoints.isTreeFull, ends]).toEqual([true, [lmdb.failure]]);
  const broken = storageFailed('here', new Error('EIO'));
  lmdb.failure = broken;
  vi.advanceTimersByTime(1_000);
  expect([checkpoints.isTreeFull, ends.at(-1)]).toEqual([false, broken]);
  sizes();
  vi.advanceTimersByTime(10_000);
  expect(sizes()).toEqual([]);
});
