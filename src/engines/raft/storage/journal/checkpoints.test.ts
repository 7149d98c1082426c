import { afterEach, expect, test, vi } from 'vitest';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { diskFull } from '../storage-errors.ts';
import { Checkpoints, checkpointRow } from './checkpoints.ts';
import type { Journal } from './journal.ts';

function textOf({ key }: { readonly key: Uint8Array }): string {
  return Buffer.from(key).toString('latin1');
}

afterEach(() => {
  vi.useRealTimers();
});

test('a checkpoint that found the disk full starts again in small transactions; the next one uses large ones', () => {
  vi.useFakeTimers();
  const written: (readonly WriteOperation[])[] = [];
  let isFull = true;
  const tree = {
    writeAccepted: (operations: readonly WriteOperation[], done: (error: Error | undefined) => void) => {
      written.push(operations);
      done(isFull ? diskFull('here') : undefined);
    },
  } as unknown as LmdbStore;
  const journal = { position: { frame: 1, segment: 1 }, neededBytes: 0, release: () => undefined };
  const limits = { segmentBytes: 1_000_000, checkpointBytes: 1_000_000 };
  const checkpoints = new Checkpoints(
    { tree, journal: journal as unknown as Journal, limits },
    () => undefined,
  );
  const rows = Array.from({ length: 1_000 }, (_, at): WriteOperation => {
    return { kind: 'put', key: Buffer.from(`${10_000 + at}`), value: Buffer.from('row') };
  });
  const sizes = (): number[] => written.splice(0).map(({ length }) => length);

  checkpoints.hold(rows);
  checkpoints.begin();
  expect(sizes()).toEqual([800]);
  isFull = false;
  vi.advanceTimersByTime(1_000);
  expect(written.flat().map(textOf)).toEqual([...rows, checkpointRow(journal.position)].map(textOf));
  // The last transaction also has the checkpoint's row.
  expect(sizes()).toEqual([...Array.from({ length: 9 }, () => 100), 101]);
  checkpoints.hold(rows);
  checkpoints.begin();
  expect(sizes()).toEqual([800, 201]);
});
