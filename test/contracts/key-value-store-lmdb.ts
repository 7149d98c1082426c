// LMDB for the contract: a directory of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore } from '../../src/storage/open-store.ts';
import type { KeyValueStoreHarness } from './key-value-store.ts';

export interface LmdbHarness extends KeyValueStoreHarness {
  readonly directory: string;
}

export function lmdbHarness(): LmdbHarness {
  const parent = mkdtempSync(join(tmpdir(), 'raft3d-store-'));
  const directory = join(parent, 'data', 'node1');
  return {
    directory,
    open: () => openLmdbStore(directory),
    run: () => undefined,
    dispose: async () => rmSync(parent, { recursive: true }),
  };
}
