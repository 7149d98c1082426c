// The file of an LMDB environment, its lock file, and how they are opened.

import { closeSync, existsSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { open } from 'lmdb';
import { assert } from '../../../../shared/assert.ts';
import { diskFull } from '../storage-errors.ts';
import type { BinaryDatabase } from './lmdb-reads.ts';

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

/** Longer values than a node writes. */
const MAX_COPIED_BYTES = 8 * 1024 * 1024;
let isCopying = false;

/**
 * lmdb-js copies values that fit in a buffer of its own, of 16 KiB. On Node 20 a longer one is a view of the map, which
 * counts for V8 as 4 GiB that are never given back once the file is mapped anew: it collects all of its heap, again and
 * again. So the buffer is made longer, once for all, by what lmdb-js has for that; it takes memory as it is filled.
 */
function copyValues(database: BinaryDatabase): void {
  if (isCopying) return;
  isCopying = true;
  const { _allocateGetBuffer: allocate } = database as unknown as Partial<GetBuffer>;
  assert(allocate !== undefined, 'lmdb is the version that docs/dependencies.md speaks of');
  // It makes twice what it is asked for.
  allocate.call(database, MAX_COPIED_BYTES / 2);
}

interface GetBuffer {
  _allocateGetBuffer(halfBytes: number): void;
}

/**
 * The writer begins with a batch when that is whole. By itself it begins behind a thousand instructions, with the rest still to
 * come: where the batch then ends at the end of a block of instructions, lmdb-js may overwrite the mark by which the
 * writer says that it is done, and the batch's promise never settles.
 */
const WHOLE_BATCHES = { batchStartThreshold: Number.MAX_SAFE_INTEGER };

/** The file as LMDB takes it, unchecked: exported for those who look what LMDB does with a damaged one. */
export function openDatabase(path: string): BinaryDatabase {
  const database = open<Uint8Array, Buffer>({
    ...WHOLE_BATCHES,
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
  copyValues(database);
  return database;
}
