// Opens the store of a data directory: makes missing files, and checks the others before LMDB maps them. Also
// implements -clean, which deletes all files of one node.

import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RowCheck, verifyDataFile } from './check/verify-data-file.ts';
import { prepareDataDirectory, sync, syncInBackground, unusable } from './data-directory.ts';
import { LOCK_FILE_NAME, lockDirectory } from './directory-lock.ts';
import type { JournalLimits } from './journal/checkpoints.ts';
import type { JournaledStore } from './journaled-store.ts';
import {
  DATA_FILE_NAME,
  LOCK_SUFFIX,
  makeLockFile,
  openDatabase,
  STAGED_FILE_NAME,
} from './lmdb/data-file.ts';
import { LmdbStore } from './lmdb/lmdb-store.ts';
import { openJournaledStore } from './open-journaled-store.ts';

/** The name of a new data file until it is durable. A file found under this name was never used. */
const NEW_DATA_FILE_NAME = 'data.mdb.new';

/**
 * Opens or makes the store in `directory`, which this process owns until the store is closed. Every row goes
 * through `checkRow` first: pass `verifyRow` of the node. Rejects with CodedError `data_directory_unusable`,
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
    const stagedPath = join(directory, STAGED_FILE_NAME);
    for (const leftover of [stagedPath, stagedPath + LOCK_SUFFIX]) rmSync(leftover, { force: true });
    if (!existsSync(path)) await createDataFile(directory, path);
    // The check uses the processor while the flush waits for the disk. The error of the check says more.
    const flushed = syncInBackground(path);
    flushed.catch(() => undefined);
    const { isRolledBack } = verifyDataFile(path, checkRow);
    await flushed;
    await makeLockFile(path + LOCK_SUFFIX);
    tree = new LmdbStore(directory, () => openDatabase(path), lock);
    sync(directory);
    return await openJournaledStore(directory, { tree, isRolledBack, checkRow, limits });
  } catch (error) {
    if (tree === undefined) lock.release();
    else await new Promise<void>((resolve) => tree?.close(resolve));
    throw unusable(directory, error);
  }
}

/** Makes the data file under another name, syncs it, and renames it: LMDB does not sync a new file. */
async function createDataFile(directory: string, path: string): Promise<void> {
  const newPath = join(directory, NEW_DATA_FILE_NAME);
  for (const old of [newPath, newPath + LOCK_SUFFIX, path + LOCK_SUFFIX]) rmSync(old, { force: true });
  await makeLockFile(newPath + LOCK_SUFFIX);
  await openDatabase(newPath).close();
  sync(newPath);
  renameSync(newPath, path);
  rmSync(newPath + LOCK_SUFFIX, { force: true });
  sync(directory);
}

/**
 * Empties `directory` except for its lock file; makes the directory when it is missing. Throws CodedError
 * `data_directory_in_use` or `data_directory_unusable`.
 */
export function wipeDataDirectory(directory: string): void {
  prepareDataDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    for (const name of readdirSync(directory)) {
      if (name !== LOCK_FILE_NAME) rmSync(join(directory, name), { recursive: true });
    }
    sync(directory);
  } catch (cause) {
    throw unusable(directory, cause);
  } finally {
    lock.release();
  }
}
