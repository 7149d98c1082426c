// Implements -clean: deletes all files of one node, unless its process is running.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDataDirectory, syncDirectory, unusable } from './data-directory.ts';
import { LOCK_FILE_NAME, lockDirectory } from './directory-lock.ts';

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
    syncDirectory(directory);
  } catch (cause) {
    throw unusable(directory, cause);
  } finally {
    lock.release();
  }
}
