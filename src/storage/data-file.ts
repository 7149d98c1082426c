// The file of an LMDB environment, its lock file, and how they are opened.

import { closeSync, existsSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { open } from 'lmdb';
import type { BinaryDatabase } from './lmdb-reads.ts';
import { diskFull } from './storage-errors.ts';

export const DATA_FILE_NAME = 'data.mdb';
/** An image that comes in, until it takes the place of the data file: what is found under this name never did. */
export const STAGED_FILE_NAME = 'data.mdb.staged';
/** LMDB's own, beside the data file. */
export const LOCK_SUFFIX = '-lock';

/** Address space for the map of the file, not memory: so large that LMDB never has to map it anew. */
const MAP_BYTES = 64 * 1024 ** 3;
/** How many snapshots and other readers there may be, and whole pages for LMDB's table of them (8,272 bytes). */
const MAX_READERS = 126;
const LMDB_LOCK_FILE_BYTES = 3 * 4_096;

/**
 * LMDB maps its lock file and writes to the map: where the file has no blocks yet and the disk is full, that ends
 * the process with SIGBUS. Real zeros are real blocks.
 */
export function allocateLockFile(path: string): void {
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

/** The same without a wait for the disk in the event loop. Rejects with the system's error. */
export async function makeLockFile(path: string): Promise<void> {
  await writeFile(path, Buffer.alloc(LMDB_LOCK_FILE_BYTES), { mode: 0o644, flush: true });
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
