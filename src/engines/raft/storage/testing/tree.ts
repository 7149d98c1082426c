// Opens the store in LMDB alone, without the journal of a node.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FILE_NAME, openDatabase } from '../lmdb/data-file.ts';
import { LmdbStore } from '../lmdb/lmdb-store.ts';

export function openTree(directory: string): LmdbStore {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, DATA_FILE_NAME);
  return new LmdbStore(directory, () => openDatabase(path), { release: () => undefined });
}
