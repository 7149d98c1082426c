import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { waitFor } from '../../../../verify/kit/wait-for.ts';
import type { KeyValueStore, WriteOperation } from '../node/ports/key-value-store.ts';
import { type JournalLimits, MAX_HELD_CHECKPOINTS } from './journal/checkpoints.ts';
import type { JournaledStore } from './journaled-store.ts';
import { DATA_FILE_NAME, openDatabase } from './lmdb/data-file.ts';
import { LmdbStore } from './lmdb/lmdb-store.ts';
import { openJournaledStore } from './open-journaled-store.ts';
import { openLmdbStore } from './open-store.ts';
import { diskFull } from './storage-errors.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-journaled-'));
afterAll(() => rmSync(root, { recursive: true }));

/** LMDB on a disk that is full, while `isFull` is true, for rows that the journal accepted. */
class FullTree extends LmdbStore {
  isFull = true;
  onCheckpointSlice: () => void = () => undefined;

  override writeAccepted(
    operations: readonly WriteOperation[],
    done: (error: Error | undefined) => void,
  ): void {
    if (this.isFull) setImmediate(done, diskFull('here'));
    else {
      super.writeAccepted(operations, (error) => {
        done(error);
        this.onCheckpointSlice();
      });
    }
  }
}

async function openOver(
  directory: string,
  limits: JournalLimits,
  isRolledBack = false,
): Promise<{ tree: FullTree; store: JournaledStore }> {
  await close(await openLmdbStore(directory, undefined, limits));
  const tree = new FullTree(directory, () => openDatabase(join(directory, DATA_FILE_NAME)), {
    release: () => undefined,
  });
  return {
    tree,
    store: await openJournaledStore(directory, { tree, isRolledBack, checkRow: undefined, limits }),
  };
}

function put(key: string): WriteOperation {
  return { kind: 'put', key: Buffer.from(key), value: Buffer.alloc(1_000, 0x41) };
}

function tryToWrite(store: KeyValueStore, key: string): Promise<Error | undefined> {
  return new Promise((resolve) => store.write([put(key)], resolve));
}

function close(store: KeyValueStore): Promise<void> {
  return new Promise((resolve) => store.close(resolve));
}

function keysOf(store: KeyValueStore): string[] {
  const everything = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) };
  return Array.from(store.range(everything), ({ key }) => Buffer.from(key).toString());
}

test('rows of the journal are there although LMDB has no space for them, also after a start', async () => {
  // The rows are in more than one segment.
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 12 * 1024 };
  const directory = join(root, 'full');
  const { store } = await openOver(directory, limits);
  const keys = Array.from({ length: 24 }, (_, at) => `${100 + at}`);
  for (const key of keys) expect(await tryToWrite(store, key)).toBeUndefined();
  expect(keysOf(store)).toEqual(keys);
  await close(store);
  const again = await openLmdbStore(directory, undefined, limits);
  expect(keysOf(again)).toEqual(keys);
  await close(again);
});

test('a start without space to repair the data file goes on, and the next checkpoint repairs it', async () => {
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 4 * 1024 };
  const directory = join(root, 'unrepaired');
  const { store, tree } = await openOver(directory, limits, true);
  expect(await tryToWrite(store, 'a')).toBeUndefined();
  let slices = 0;
  tree.onCheckpointSlice = () => {
    slices += 1;
  };
  tree.isFull = false;
  await close(store);
  expect(slices).toBe(1);
  const again = await openLmdbStore(directory, undefined, limits);
  expect(keysOf(again)).toEqual(['a']);
  await close(again);
});

test('rows that wait for LMDB are bounded: then writes are refused with disk_full until there is space', async () => {
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 4 * 1024 };
  const { store, tree } = await openOver(join(root, 'bounded'), limits);
  const keys: string[] = [];
  let error: Error | undefined;
  for (let number = 100; error === undefined; number++) {
    error = await tryToWrite(store, `${number}`);
    if (error === undefined) keys.push(`${number}`);
  }
  expect(error).toMatchObject({ code: 'disk_full' });
  expect(keys.length).toBeLessThan(2 * MAX_HELD_CHECKPOINTS * 4);
  expect(keysOf(store)).toEqual(keys);
  tree.isFull = false;
  while ((await tryToWrite(store, 'later')) !== undefined);
  expect(keysOf(store)).toEqual([...keys, 'later']);
  await close(store);
});

/** Returns the keys that a start finds after `kill -9` at this moment. */
async function keysAfterCrash(directory: string, limits: JournalLimits): Promise<string[]> {
  const copy = `${directory}-crashed`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(directory, copy, { recursive: true });
  const store = await openLmdbStore(copy, undefined, limits);
  const keys = keysOf(store);
  await close(store);
  return keys;
}

test('a checkpoint has all rows of its last frame, also when a write of that frame began it', async () => {
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 1_500 };
  const directory = join(root, 'shared-frame');
  const { store, tree } = await openOver(directory, limits);
  tree.isFull = false;
  let slices = 0;
  tree.onCheckpointSlice = () => {
    slices += 1;
  };
  // The first write has a frame of its own; the others share one, and two of them begin a checkpoint.
  const keys = ['a', 'b', 'c', 'd'];
  await Promise.all(keys.map((key) => tryToWrite(store, key)));
  await waitFor('a checkpoint has ended', () => slices > 0, { intervalMs: 1 });
  expect(await keysAfterCrash(directory, limits)).toEqual(keys);
  await close(store);
});

test('a checkpoint that ends before the first frame of a new segment is durable names the previous segment', async () => {
  const limits = { segmentBytes: 16 * 1024, checkpointBytes: 4 * 1024 };
  const directory = join(root, 'rotating');
  const { store, tree } = await openOver(directory, limits);
  tree.isFull = false;
  const keys: string[] = [];
  for (let number = 100; number < 160; number++) {
    const written = tryToWrite(store, `${number}`);
    if (number % 3 === 0)
      expect(await keysAfterCrash(directory, limits)).toEqual(expect.arrayContaining(keys));
    expect(await written).toBeUndefined();
    keys.push(`${number}`);
  }
  await close(store);
});

test('rows with ascending keys fill the pages of LMDB, checkpoint after checkpoint', async () => {
  const rowBytes = 100;
  const limits = { segmentBytes: 256 * 1024, checkpointBytes: 16 * 1024 };
  const store = await openLmdbStore(join(root, 'ascending'), undefined, limits);
  const before = store.space().usedBytes;
  const rows = 10_000;
  for (let from = 0; from < rows; from += 50) {
    const operations = Array.from({ length: 50 }, (_, at): WriteOperation => {
      return { kind: 'put', key: Buffer.from(`z/${100_000 + from + at}`), value: Buffer.alloc(rowBytes) };
    });
    expect(await new Promise((resolve) => store.write(operations, resolve))).toBeUndefined();
  }
  await close(store);
  const again = await openLmdbStore(join(root, 'ascending'), undefined, limits);
  expect(again.space().usedBytes - before).toBeLessThan(1.3 * rows * rowBytes);
  await close(again);
});
