import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { KeyValueStore } from '../node/ports/key-value-store.ts';
import { verifyDataFile } from './check/verify-data-file.ts';
import type { JournalLimits } from './journal/checkpoints.ts';
import { DATA_FILE_NAME } from './lmdb/data-file.ts';
import { openLmdbStore } from './open-store.ts';
import { rolledBack } from './testing/rolled-back.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-open-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A few writes fill a segment, and two segments hold them all: only a close writes rows into LMDB. */
const LIMITS: JournalLimits = { segmentBytes: 32 * 1024, checkpointBytes: 1024 * 1024 };

function open(directory: string): Promise<KeyValueStore> {
  return openLmdbStore(directory, undefined, LIMITS);
}

function close(store: KeyValueStore): Promise<void> {
  return new Promise((resolve) => store.close(resolve));
}

async function write(store: KeyValueStore, key: string, bytes: number): Promise<void> {
  const value = Buffer.alloc(bytes, key);
  const error = await new Promise((resolve) => {
    store.write([{ kind: 'put', key: Buffer.from(key), value }], resolve);
  });
  expect(error).toBeUndefined();
}

function keysOf(store: KeyValueStore): string[] {
  const everything = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) };
  return Array.from(store.range(everything), ({ key }) => Buffer.from(key).toString());
}

function dataFileOf(directory: string): string {
  return join(directory, DATA_FILE_NAME);
}

describe('a data file whose last commit was rolled back', () => {
  /** Makes a store of the rows `names`, and copies of its directory before and after the last checkpoint. */
  async function twoStates(
    name: string,
    { names, bytes }: { names: readonly string[]; bytes: number },
  ): Promise<{ before: string; after: string }> {
    const [before, after] = [join(root, `${name}-before`), join(root, `${name}-after`)];
    const first = await open(after);
    await write(first, names[0] ?? '', bytes);
    await close(first);
    const store = await open(after);
    for (const key of names.slice(1)) await write(store, key, bytes);
    // A segment that is being made may get its name during the copy.
    cpSync(after, before, { recursive: true, filter: (source) => !source.endsWith('.new') });
    await close(store);
    return { before, after };
  }

  const names = ['a', 'b', 'c', 'd', 'e', 'f'];

  test('by LMDB after a failed write of its meta page: the journal has all rows, and the start repairs the file', async () => {
    const { before, after } = await twoStates('failed', { names, bytes: 6_000 });
    // The segments that the checkpoint would have freed are still there.
    const path = dataFileOf(before);
    writeFileSync(path, rolledBack(readFileSync(dataFileOf(after)), readFileSync(path)));
    expect(verifyDataFile(path)).toMatchObject({ isRolledBack: true });
    const store = await open(before);
    expect(verifyDataFile(path)).toMatchObject({ isRolledBack: false });
    expect(keysOf(store)).toEqual(names);
    await close(store);
    const again = await open(before);
    expect(keysOf(again)).toEqual(names);
    await close(again);
  });

  test('which was the first commit: the file is empty, and the start repairs it', async () => {
    const [fresh, begun] = [join(root, 'fresh'), join(root, 'begun')];
    await close(await open(begun));
    cpSync(begun, fresh, { recursive: true });
    const path = dataFileOf(fresh);
    // A new file: both meta pages are of transaction 0.
    const made = readFileSync(path);
    made.fill(0, 2 * 4_096);
    for (const page of [0, 1]) {
      made.fill(0, page * 4_096 + 152, page * 4_096 + 160);
      made.writeBigUInt64LE(1n, page * 4_096 + 144);
    }
    writeFileSync(path, rolledBack(readFileSync(path), made));
    expect(verifyDataFile(path)).toMatchObject({ isRolledBack: true });
    const store = await open(fresh);
    await write(store, 'a', 10);
    await close(store);
    const again = await open(fresh);
    expect(keysOf(again)).toEqual(['a']);
    await close(again);
  });

  test('by damage, while the journal has all rows: nothing is lost', async () => {
    const { before, after } = await twoStates('small', { names, bytes: 100 });
    const path = dataFileOf(after);
    writeFileSync(path, rolledBack(readFileSync(path), readFileSync(dataFileOf(before))));
    const store = await open(after);
    expect(keysOf(store)).toEqual(names);
    await close(store);
  });

  test('by damage, after the segment with its rows was reused: the store is refused as damaged', async () => {
    const { before, after } = await twoStates('large', { names, bytes: 6_000 });
    const path = dataFileOf(after);
    writeFileSync(path, rolledBack(readFileSync(path), readFileSync(dataFileOf(before))));
    // The checkpoint released this segment.
    rmSync(join(after, 'journal-0000000001'));
    await expect(open(after)).rejects.toMatchObject({
      code: 'store_damaged',
      message: expect.stringContaining('segment 1 is missing'),
    });
  });
});
