// Ensures that one process at a time uses a data directory: two that write the same log would lose
// acknowledged data.
//
// The lock is the kernel's flock on a file in the directory. It belongs to the open file: it ends with the
// process, however that ends, and the file that stays behind means nothing. Node.js cannot call flock, but
// the lock is shared with a child that inherits the open file: `flock -n 3` locks descriptor 3 and exits, and
// this process keeps the lock. Alternatives that were rejected: a file with pid and start time (two processes
// can both find it stale), a socket in the directory (stale after kill -9, paths of at most 107 bytes), an
// abstract socket (not shared between network namespaces, so two containers on one directory would not see
// each other).

import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { unusable } from './data-directory.ts';

export const LOCK_FILE_NAME = 'process.lock';
/** The descriptor of the lock file in the child. */
const CHILD_DESCRIPTOR = 3;
/** The exit code of flock(1) when another process holds the lock. */
const EXIT_HELD = 1;
/** The owner's pid is padded, so that the file keeps its size and can be rewritten on a full disk. */
const PID_BYTES = 16;

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the lock, which blocks for some milliseconds. Throws CodedError `data_directory_in_use` (with the
 * owner's pid if it is known), `data_directory_unusable` or `disk_full`.
 */
export function lockDirectory(directory: string): DirectoryLock {
  let descriptor: number | undefined;
  try {
    const opened = openSync(join(directory, LOCK_FILE_NAME), constants.O_RDWR | constants.O_CREAT, 0o644);
    descriptor = opened;
    takeLock(directory, opened);
    // The pid is only for the error message of a process that is refused.
    writeSync(opened, `${String(process.pid).padEnd(PID_BYTES - 1)}\n`, 0);
    return { release: () => closeSync(opened) };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw unusable(directory, error);
  }
}

function takeLock(directory: string, descriptor: number): void {
  const child = spawnSync('flock', ['-n', String(CHILD_DESCRIPTOR)], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    encoding: 'utf8',
  });
  if (child.status === 0) return;
  if (child.error !== undefined) {
    throw new Error(`flock(1) of the package util-linux does not run: ${child.error.message}`);
  }
  if (child.status !== EXIT_HELD || child.stderr !== '') {
    throw new Error(`flock(1) ended with ${child.status ?? child.signal}: ${child.stderr.trim()}`);
  }
  const bytes = Buffer.alloc(PID_BYTES);
  const length = readSync(descriptor, bytes, 0, PID_BYTES, 0);
  const pid = Number.parseInt(bytes.toString('latin1', 0, length), 10);
  const owner = Number.isNaN(pid) ? undefined : { pid };
  throw new CodedError(
    'data_directory_in_use',
    `the data directory ${directory} is in use by another process${owner ? ` (pid ${pid})` : ''}: ` +
      'stop it first, or give this node another -id or -data',
    { fields: { directory, ...owner } },
  );
}
