// The node's store under a process that is killed by SIGKILL during its writes.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { closeStore } from './key-value-store.ts';
import { checkBatches } from './key-value-store-batches.ts';
import { lmdbHarness } from './key-value-store-lmdb.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const ROUNDS = 3;
const BATCHES_PER_ROUND = 60;

/** Starts the writer, kills it after some batches, and resolves with the last batch that was acknowledged. */
async function writeAndKill(directory: string, batches: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, directory], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let count = 0;
  let last = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    count++;
    if (count === batches) child.kill('SIGKILL');
  }
  expect(count).toBeGreaterThanOrEqual(batches);
  return last;
}

describe('a process that is killed while it writes', () => {
  const harness = lmdbHarness();
  afterEach(() => harness.dispose());

  test('loses no acknowledged batch, and leaves each batch whole or not at all', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeAndKill(harness.directory, BATCHES_PER_ROUND + round * 7);
      const store = await openLmdbStore(harness.directory);
      expect(checkBatches(store)).toBeGreaterThan(acknowledged);
      await closeStore(store, harness);
    }
  });
});
