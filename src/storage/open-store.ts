// Opens the store of a data directory: makes what is missing, and hands out nothing that it has not checked.

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { CodedError } from '../shared/coded-error.ts';
import type { JournalLimits } from './checkpoints.ts';
import { flushFile, prepareDataDirectory, syncDirectory, unusable } from './data-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import type { JournaledStore } from './journaled-store.ts';
import type { BinaryDatabase } from './lmdb-reads.ts';
import { LmdbStore } from './lmdb-store.ts';
import { openJournal } from './open-journal.ts';
import { diskFull } from './storage-errors.ts';
import { type RowCheck, verifyDataFile } from './verify-data-file.ts';

export const DATA_FILE_NAME = 'data.mdb';
/** The data file until it is whole and durable: what is found under this name was never used. */
const NEW_DATA_FILE_NAME = 'data.mdb.new';
/** LMDB's own, beside the data file. */
const LOCK_SUFFIX = '-lock';

/** Address space for the map of the file, not memory: so large that LMDB never has to map it anew. */
const MAP_BYTES = 64 * 1024 ** 3;
/** How many snapshots and other readers there may be, and whole pages for LMDB's table of them (8,272 bytes). */
const MAX_READERS = 126;
const LMDB_LOCK_FILE_BYTES = 3 * 4_096;

/**
 * Opens or makes the store in `directory`, which this process then owns until the store is closed. Every row is
 * handed to `checkRow` first: pass `verifyRow` of the node. Rejects with CodedError `data_directory_unusable`,
 * `data_directory_in_use`, `store_damaged` or `disk_full`.
 */
export async function openLmdbStore(
  directory: string,
  checkRow?: RowCheck,
  limits?: JournalLimits,
): Promise<JournaledStore> {
  prepareDataDirectory(directory);
  const lock = lockDirectory(directory);
  let tree: LmdbStore | undefined;
  try {
    const path = join(directory, DATA_FILE_NAME);
    if (!existsSync(path)) await createDataFile(directory, path);
    verifyDataFile(path, checkRow);
    flushFile(path);
    allocateLockFile(path + LOCK_SUFFIX);
    tree = new LmdbStore(directory, () => openDatabase(path), lock);
    syncDirectory(directory);
    return await openJournal(directory, { tree, checkRow, limits });
  } catch (error) {
    if (tree === undefined) lock.release();
    else await closed(tree);
    throw error instanceof CodedError ? error : unusable(directory, error);
  }
}

function closed(tree: LmdbStore): Promise<void> {
  return new Promise((resolve) => tree.close(resolve));
}

/** LMDB does not sync a file that it begins: it gets its name only when it is whole. */
async function createDataFile(directory: string, path: string): Promise<void> {
  const newPath = join(directory, NEW_DATA_FILE_NAME);
  for (const leftover of [newPath, newPath + LOCK_SUFFIX, path + LOCK_SUFFIX])
    rmSync(leftover, { force: true });
  allocateLockFile(newPath + LOCK_SUFFIX);
  await openDatabase(newPath).close();
  flushFile(newPath);
  renameSync(newPath, path);
  rmSync(newPath + LOCK_SUFFIX, { force: true });
  syncDirectory(directory);
}

/**
 * LMDB maps its lock file and writes to the map: where the file has no blocks yet and the disk is full, that ends
 * the process with SIGBUS. Real zeros are real blocks.
 */
function allocateLockFile(path: string): void {
  if (existsSync(path) && statSync(path).size >= LMDB_LOCK_FILE_BYTES) return;
  const descriptor = openSync(path, 'w', 0o644);
  try {
    const written = writeSync(descriptor, Buffer.alloc(LMDB_LOCK_FILE_BYTES));
    if (written < LMDB_LOCK_FILE_BYTES) throw diskFull(path);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The file as LMDB takes it, unchecked: exported for those who look what LMDB does with a damaged one. */
export function openDatabase(path: string): BinaryDatabase {
  return open<Uint8Array, Buffer>({
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    commitDelay: 0,
    mapSize: MAP_BYTES,
    maxReaders: MAX_READERS,
  });
}
