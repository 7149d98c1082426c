import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DATA_FILE_NAME, openDatabase } from './data-file.ts';
import type { BinaryDatabase } from './lmdb-reads.ts';
import { LmdbStore } from './lmdb-store.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-lmdb-'));
afterAll(() => rmSync(root, { recursive: true }));

/** What lmdb-js does once a meta page could not be written: a cursor that was used before gives no rows. */
function panicking(database: BinaryDatabase): BinaryDatabase {
  const panic = (): never => {
    throw new Error('Invalid argument: MDB_PANIC: Update of meta page failed or environment had fatal error');
  };
  return Object.assign(database, { getBinaryFast: panic, getStats: panic, getRange: () => [] });
}

test('reads after a failed write say that, not what LMDB has for it: the node stops with what is to be done', async () => {
  const directory = join(root, 'panic');
  mkdirSync(directory);
  const path = join(directory, DATA_FILE_NAME);
  const store = new LmdbStore(directory, () => panicking(openDatabase(path)), { release: () => undefined });
  const key = Buffer.from('key');
  for (const read of [
    () => store.get(key),
    () => [...store.range({ from: key, to: Buffer.from('z') })],
    () => store.space(),
    () => store.lackOfRoom(1, 0),
    () => store.hasRoomBeside(1),
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
