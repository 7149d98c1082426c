import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type BinaryDatabase, DATA_FILE_NAME, openDatabase } from './data-file.ts';
import { LmdbStore } from './lmdb-store.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-lmdb-'));
afterAll(() => rmSync(root, { recursive: true }));

/**
 * Behaves as lmdb-js after a failed write of a meta page: reads throw, but a reused cursor returns no rows.
 */
function panicking(database: BinaryDatabase): BinaryDatabase {
  const panic = (): never => {
    throw new Error('Invalid argument: MDB_PANIC: Update of meta page failed or environment had fatal error');
  };
  return Object.assign(database, { getBinaryFast: panic, getStats: panic, getRange: () => [] });
}

test('reads after a failed write of a meta page fail with storage_failed, which says what to do', async () => {
  const directory = join(root, 'panic');
  mkdirSync(directory);
  const path = join(directory, DATA_FILE_NAME);
  const store = new LmdbStore(directory, () => panicking(openDatabase(path)), { release: () => undefined });
  const key = Buffer.from('key');
  for (const read of [
    () => store.get(key),
    () => [...store.range({ from: key, to: Buffer.from('z') })],
    () => store.freeSpace.space(),
    () => store.freeSpace.shortageFor({ bytes: 1, claimedBytes: 0 }),
    () => store.freeSpace.hasSpaceBeside(1),
  ]) {
    expect(read).toThrow(
      expect.objectContaining({
        code: 'storage_failed',
        message: expect.stringContaining('check the disk, then start it again'),
      }),
    );
  }
  await new Promise<void>((resolve) => store.close(resolve));
});
