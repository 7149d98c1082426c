// LMDB under a process that dies by SIGKILL in the middle of its writes.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import type { KeyValueStore } from '../../src/node/ports.ts';
import { openLmdbStore } from '../../src/storage/open-store.ts';
import { PROJECT_ROOT } from '../support/project-root.ts';
import { closeStore } from './key-value-store.ts';
import { lmdbHarness } from './key-value-store-lmdb.ts';
import { KEPT_BATCHES, NEXT_BATCH_KEY, ROWS_PER_BATCH, rowKey } from './key-value-store-writer.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const ROUNDS = 3;
const BATCHES_PER_ROUND = 60;

/** Starts the writer, kills it after some batches, and resolves with the last batch that it was told is done. */
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

/** Every batch is there whole or not at all, as far as the one that the store names. */
function checkBatches(store: KeyValueStore): number {
  const next = Number(Buffer.from(store.get(NEXT_BATCH_KEY) ?? []).toString());
  const first = Math.max(0, next - KEPT_BATCHES);
  const expected = Array.from({ length: (next - first) * ROWS_PER_BATCH }, (_, at) =>
    rowKey(first + Math.floor(at / ROWS_PER_BATCH), at % ROWS_PER_BATCH).toString(),
  );
  const rows = [...store.range({ from: Buffer.from('row/'), to: Buffer.from('row0') })];
  expect(rows.map(({ key }) => Buffer.from(key).toString())).toEqual(expected);
  for (const [at, { value }] of rows.entries()) {
    const batch = first + Math.floor(at / ROWS_PER_BATCH);
    expect(value.every((byte) => byte === batch % 256)).toBe(true);
  }
  return next;
}

describe('a process that is killed while it writes', () => {
  const harness = lmdbHarness();
  afterEach(() => harness.dispose());

  test('loses nothing that was acknowledged, and leaves every batch whole or not there', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeAndKill(harness.directory, BATCHES_PER_ROUND + round * 7);
      const store = await openLmdbStore(harness.directory);
      expect(checkBatches(store)).toBeGreaterThan(acknowledged);
      await closeStore(store, harness);
    }
  });
});
