// The data file alone, as LMDB takes it: without the journal that a node keeps before it.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FILE_NAME, openDatabase } from '../lmdb/data-file.ts';
import { LmdbStore } from '../lmdb/lmdb-store.ts';

export function openTree(directory: string): LmdbStore {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, DATA_FILE_NAME);
  return new LmdbStore(directory, () => openDatabase(path), { release: () => undefined });
}
