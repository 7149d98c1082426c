// The directory that holds one node's files: made with its parents, and made to stay.

import { accessSync, closeSync, constants, fsync, fsyncSync, openSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { makeDirectory } from './make-directory.ts';
import { diskFull, isForLackOfRoom } from './storage-errors.ts';

/**
 * Makes `directory` with the parents that it lacks, and fsyncs every directory that got a new entry: a power cut
 * must not take the directory away with what was acknowledged inside it (trap 28).
 * Throws CodedError `data_directory_unusable` or `disk_full`.
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

/** Makes the entries of a directory durable: what was created, renamed or removed in it. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes what a file holds durable. What a start reads counts from then on, also what a process that was killed had left in
 * the system's cache (trap 2).
 */
export function flushFile(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The same, begun at once, by a thread. Rejects with the system's error; whoever goes on without it must take that. */
export function flushBeside(path: string): Promise<void> {
  const descriptor = openSync(path, 'r+');
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => {
      closeSync(descriptor);
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** The error for a directory in which something cannot be made, opened or read: `disk_full` where room is what lacks. */
export function unusable(directory: string, cause: unknown): CodedError {
  if (isForLackOfRoom(cause, () => false)) return diskFull(directory, cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    'data_directory_unusable',
    `the data directory ${directory} cannot be used (${reason}): ` +
      'give this user the right to write there, or name another with -data',
    { fields: { directory }, cause },
  );
}

/** Every directory from `ancestor` down to `path`, both included. */
function syncChain(ancestor: string, path: string): void {
  const names = relative(ancestor, path).split(sep);
  for (let depth = 0; depth <= names.length; depth++) {
    syncDirectory(resolve(ancestor, ...names.slice(0, depth)));
  }
}
