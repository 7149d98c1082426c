// The directory that holds one node's files: makes it, and makes files and names in it durable.

import { accessSync, closeSync, constants, fsync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { asError, CodedError } from '../../../shared/coded-error.ts';
import { makeDirectory } from './make-directory.ts';
import { diskFull, isOutOfSpace } from './storage-errors.ts';

/**
 * Makes `directory` with its missing parents, and fsyncs every directory that got a new entry: a power cut
 * must not remove the directory and the acknowledged data inside it (trap 28). Throws CodedError
 * `data_directory_unusable` or `disk_full`.
 */
export function prepareDataDirectory(directory: string): void {
  const path = resolve(directory);
  try {
    const firstMade = makeDirectory(path);
    if (firstMade !== undefined) {
      const parent = dirname(firstMade);
      sync(parent);
      for (let at = path; at !== parent; at = dirname(at)) sync(at);
    }
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unusable(directory, cause);
  }
}

/**
 * Makes the content of a file durable, or the entries of a directory: files created, renamed or removed in
 * it. Blocks. A start relies on everything that it reads, also on bytes that a killed process left in the
 * system's cache (trap 2).
 */
export function sync(path: string): void {
  const descriptor = openToSync(path);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Does the same in a thread, begun at once. Rejects with the system's error. */
export async function syncInBackground(path: string): Promise<void> {
  const descriptor = openToSync(path);
  try {
    await promisify(fsync)(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A file that this user may not write is found here, at the start, and not at a write that needs it. */
function openToSync(path: string): number {
  return openSync(path, statSync(path).isDirectory() ? 'r' : 'r+');
}

/**
 * Returns the error for a directory in which a file cannot be made, opened or read: `disk_full` without free
 * space. Returns a CodedError as it is.
 */
export function unusable(directory: string, cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  if (isOutOfSpace(cause)) return diskFull(directory, cause);
  return new CodedError(
    'data_directory_unusable',
    `the data directory ${directory} cannot be used (${asError(cause).message}): ` +
      'give this user the right to write there, or name another with -data',
    { fields: { directory }, cause },
  );
}
