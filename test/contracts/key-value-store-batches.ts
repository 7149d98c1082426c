// Checks the rows of a store after key-value-store-writer.ts wrote to it, however the writer ended.

import { expect } from 'vitest';
import type { KeyValueStore } from '../../src/engines/raft/node/ports/key-value-store.ts';
import { KEPT_BATCHES, NEXT_BATCH_KEY, ROWS_PER_BATCH, rowKey } from './key-value-store-writer.ts';

/** Expects whole batches up to the next one, whose number is in the store. Returns that number. */
export function checkBatches(store: KeyValueStore): number {
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
