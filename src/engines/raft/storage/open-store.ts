// Opens the store of a data directory: makes missing files, and checks the others before LMDB maps them.

import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { type RowCheck, verifyDataFile } from './check/verify-data-file.ts';
import {
  prepareDataDirectory,
  syncDirectory,
  syncFile,
  syncFileInBackground,
  unusable,
} from './data-directory.ts';
import { lockDirectory } from './directory-lock.ts';
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

/**
 * The name of a new data file until it is complete and durable. A file found under this name was never used.
 */
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
    // The check uses the processor while the flush waits for the disk. If both fail, the error of the check
    // says more.
    const flushed = syncFileInBackground(path);
    flushed.catch(() => undefined);
    const { isRolledBack } = verifyDataFile(path, checkRow);
    await flushed;
    await makeLockFile(path + LOCK_SUFFIX);
    tree = new LmdbStore(directory, () => openDatabase(path), lock);
    syncDirectory(directory);
    return await openJournaledStore(directory, { tree, isRolledBack, checkRow, limits });
  } catch (error) {
    if (tree === undefined) lock.release();
    else await closeTree(tree);
    throw error instanceof CodedError ? error : unusable(directory, error);
  }
}

function closeTree(tree: LmdbStore): Promise<void> {
  return new Promise((resolve) => tree.close(resolve));
}

/**
 * Makes the data file under another name, syncs it, and renames it: LMDB does not sync a file that it
 * creates.
 */
async function createDataFile(directory: string, path: string): Promise<void> {
  const newPath = join(directory, NEW_DATA_FILE_NAME);
  for (const leftover of [newPath, newPath + LOCK_SUFFIX, path + LOCK_SUFFIX])
    rmSync(leftover, { force: true });
  await makeLockFile(newPath + LOCK_SUFFIX);
  await openDatabase(newPath).close();
  syncFile(newPath);
  renameSync(newPath, path);
  rmSync(newPath + LOCK_SUFFIX, { force: true });
  syncDirectory(directory);
}
