// The node's store for the contract, a journal before LMDB, in a directory of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RowCheck } from '../../src/engines/raft/storage/check/verify-data-file.ts';
import type { JournalLimits } from '../../src/engines/raft/storage/journal/checkpoints.ts';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import type { KeyValueStoreHarness } from './key-value-store.ts';

interface LmdbHarness extends KeyValueStoreHarness {
  readonly directory: string;
}

/** Sizes so small that a few writes fill segments and begin checkpoints. */
export const TINY_JOURNAL = { segmentBytes: 32 * 1024, checkpointBytes: 2 * 1024 };

export function lmdbHarness(limits?: JournalLimits, checkRow?: RowCheck): LmdbHarness {
  const parent = mkdtempSync(join(tmpdir(), 'raft3d-store-'));
  const directory = join(parent, 'data', 'node1');
  return {
    directory,
    open: () => openLmdbStore(directory, checkRow, limits),
    run: () => undefined,
    dispose: async () => rmSync(parent, { recursive: true }),
  };
}
