// The data file of LMDB and its lock file: names, and how they are made and opened.

import { existsSync, statSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { open, type RootDatabase } from 'lmdb';
import { assert } from '../../../../shared/assert.ts';

export const DATA_FILE_NAME = 'data.mdb';
/** The name of an incoming image until it is adopted. A file found under this name never was. */
export const STAGED_FILE_NAME = 'data.mdb.staged';
/** LMDB's lock file has the name of the data file with this suffix. */
export const LOCK_SUFFIX = '-lock';

/** The address space of LMDB's map: large enough that the map never has to grow. It takes no memory. */
const MAP_BYTES = 64 * 1024 ** 3;
/** Bounds the snapshots and other readers. LMDB's table of them takes 8,272 bytes, in whole pages. */
const MAX_READERS = 126;
const LMDB_LOCK_FILE_BYTES = 3 * 4_096;

/**
 * Fills LMDB's lock file with zeros, in a thread. LMDB writes to it through a map: on a full disk a page
 * without blocks would end the process by SIGBUS. Rejects with the system's error.
 */
export async function makeLockFile(path: string): Promise<void> {
  if (existsSync(path) && statSync(path).size >= LMDB_LOCK_FILE_BYTES) return;
  const file = await openFile(path, 'w', 0o644);
  try {
    await file.writeFile(Buffer.alloc(LMDB_LOCK_FILE_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
}

export type BinaryDatabase = RootDatabase<Uint8Array, Uint8Array>;

/** Longer than any value that a node writes. */
const MAX_COPIED_BYTES = 8 * 1024 * 1024;
let isCopying = false;

/**
 * Makes the buffer larger into which lmdb-js copies values; it has 16 KiB by default. On Node.js 20 a longer
 * value is a view of the map, which V8 counts as 4 GiB of memory, and keeps counting after the file is mapped
 * anew: then it collects the whole heap again and again. The buffer takes memory only as it is filled.
 */
function copyValues(database: BinaryDatabase): void {
  if (isCopying) return;
  isCopying = true;
  // lmdb-js does not declare this method.
  const allocate = Reflect.get(database, '_allocateGetBuffer') as ((halfBytes: number) => void) | undefined;
  assert(allocate !== undefined, 'lmdb has the version that docs/dependencies.md names');
  // lmdb-js allocates twice the size that is asked for.
  allocate.call(database, MAX_COPIED_BYTES / 2);
}

/**
 * Makes LMDB's writer thread begin a batch when it is complete. By default it begins after a thousand
 * instructions. If the batch then ends at the end of a block of instructions, lmdb-js may overwrite the
 * writer's mark for "done", and the batch's promise never settles.
 */
const WHOLE_BATCHES = { batchStartThreshold: Number.MAX_SAFE_INTEGER };

/** Opens the file in LMDB without a check. Tests also open damaged files with it. */
export function openDatabase(path: string): BinaryDatabase {
  const database = open<Uint8Array, Uint8Array>({
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
