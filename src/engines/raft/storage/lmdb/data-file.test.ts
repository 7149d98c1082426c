import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DATA_FILE_NAME, openDatabase } from './data-file.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-data-file-'));
afterAll(() => rmSync(root, { recursive: true }));

function open(name: string): ReturnType<typeof openDatabase> {
  return openDatabase(join(mkdtempSync(join(root, name)), DATA_FILE_NAME));
}

test('long values are copies that count with their own size, also after the file was mapped anew', async () => {
  const path = join(root, 'long');
  let database = openDatabase(path);
  const lengths = [100, 17_000, 60_000, 1_100_000, 7_900_000];
  for (const length of lengths) {
    await database.put(Buffer.from(String(length)), Buffer.alloc(length, length & 0xff));
  }
  const before = process.memoryUsage().external;
  const kept: Uint8Array[] = [];
  for (let times = 0; times < 3; times++) {
    for (const length of lengths) kept.push(database.get(Buffer.from(String(length))) as Uint8Array);
    for (const { value } of database.getRange({ start: Buffer.from('1'), end: Buffer.from('9') }))
      kept.push(value);
    await database.close();
    database = openDatabase(path);
  }
  await database.close();
  expect(process.memoryUsage().external - before).toBeLessThan(200e6);
  expect(kept).toHaveLength(3 * 2 * lengths.length);
  for (const bytes of kept) expect(Buffer.alloc(bytes.length, bytes.length & 0xff).equals(bytes)).toBe(true);
});

/** The length of lmdb-js's blocks of instructions in words of 8 bytes. */
const BLOCK_WORDS = (64 * 1024 - 1_978 - 64) >> 3;
const DELETE_BYTES = 28;

test('a long batch that ends at the end of a block of instructions settles', async () => {
  const database = open('batch');
  let word = 1;
  /** Deletes a key of so many bytes, and computes where lmdb-js is in its block. */
  const remove = (keyBytes: number, number: number): void => {
    const key = Buffer.alloc(keyBytes, 1);
    key.writeUInt32BE(number);
    void database.remove(key);
    word += (keyBytes + DELETE_BYTES) >> 3;
    if (word > BLOCK_WORDS) word = 1;
  };
  const settled = database.batch(() => {
    word += 1;
    let count = 0;
    while (count < 1_100) remove(20, count++);
    for (let left = BLOCK_WORDS - word; left !== 0; left = BLOCK_WORDS - word) {
      remove(left < 4 ? 20 : left >= 8 ? 4 : left * 8 - DELETE_BYTES, count++);
    }
    // A writer that does not wait for the rest would begin in this time.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  });
  await settled;
  await database.flushed;
  await database.close();
}, 10_000);
