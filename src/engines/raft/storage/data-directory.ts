// The directory that holds one node's files: makes it, and makes files and names in it durable.

import { accessSync, closeSync, constants, fsync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
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
    if (firstMade !== undefined) syncChain(dirname(firstMade), path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unusable(directory, cause);
  }
}

/** Makes the entries of a directory durable: files that were created, renamed or removed in it. Blocks. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Does the same in a thread, so that the event loop does not wait. Rejects with the system's error. */
export async function syncDirectoryInBackground(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes the content of a file durable. Blocks. A start relies on everything that it reads, also on bytes that
 * a killed process left in the system's cache (trap 2).
 */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Does the same in a thread, begun at once. Rejects with the system's error. */
export function syncFileInBackground(path: string): Promise<void> {
  const descriptor = openSync(path, 'r+');
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => {
      closeSync(descriptor);
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/**
 * Returns the error for a directory in which a file cannot be made, opened or read: `disk_full` without free
 * space.
 */
export function unusable(directory: string, cause: unknown): CodedError {
  if (isOutOfSpace(cause, () => false)) return diskFull(directory, cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    'data_directory_unusable',
    `the data directory ${directory} cannot be used (${reason}): ` +
      'give this user the right to write there, or name another with -data',
    { fields: { directory }, cause },
  );
}

/** Syncs every directory from `ancestor` down to `path`, both included. */
function syncChain(ancestor: string, path: string): void {
  const names = relative(ancestor, path).split(sep);
  for (let depth = 0; depth <= names.length; depth++) {
    syncDirectory(resolve(ancestor, ...names.slice(0, depth)));
  }
}
