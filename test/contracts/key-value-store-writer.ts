// A process to be killed: writes numbered batches to the store in argv[2], and prints the number of each
// durable one on a line. A batch puts ROWS_PER_BATCH rows and deletes those of the batch KEPT_BATCHES before.
// With argv[3] the process ends after the batch of that number.

import { writeSync } from 'node:fs';
import type { WriteOperation } from '../../src/engines/raft/node/ports/key-value-store.ts';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { TINY_JOURNAL } from './key-value-store-lmdb.ts';

export const ROWS_PER_BATCH = 40;
export const KEPT_BATCHES = 10;
/** Several writes wait at the same time, so that some share a flush. */
const UNDER_WAY = 3;
export const NEXT_BATCH_KEY = Buffer.from('next');

export function rowKey(batch: number, row: number): Buffer {
  return Buffer.from(`row/${String(batch).padStart(9, '0')}/${String(row).padStart(4, '0')}`);
}

function batchOperations(batch: number): WriteOperation[] {
  const operations: WriteOperation[] = [
    { kind: 'put', key: NEXT_BATCH_KEY, value: Buffer.from(`${batch + 1}`) },
  ];
  for (let row = 0; row < ROWS_PER_BATCH; row++) {
    operations.push({ kind: 'put', key: rowKey(batch, row), value: Buffer.alloc(200 + row, batch) });
    if (batch >= KEPT_BATCHES) operations.push({ kind: 'delete', key: rowKey(batch - KEPT_BATCHES, row) });
  }
  return operations;
}

async function writeBatches(directory: string, last: number): Promise<void> {
  const store = await openLmdbStore(directory, undefined, TINY_JOURNAL);
  const next = store.get(NEXT_BATCH_KEY);
  const writeBatch = (batch: number): void => {
    store.write(batchOperations(batch), (error) => {
      if (error !== undefined) throw error;
      // Printed before anything else happens: a printed batch was acknowledged.
      writeSync(1, `${batch}\n`);
      if (batch === last) process.exit(0);
      writeBatch(batch + UNDER_WAY);
    });
  };
  const first = next === undefined ? 0 : Number(Buffer.from(next).toString());
  for (let batch = first; batch < first + UNDER_WAY; batch++) writeBatch(batch);
}

const directory = process.argv[2];
if (directory !== undefined && process.argv[1]?.endsWith('key-value-store-writer.ts'))
  await writeBatches(directory, Number(process.argv[3] ?? Number.NaN));
