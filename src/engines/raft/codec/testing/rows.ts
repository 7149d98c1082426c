// Rows in the layout of a data file.

import type { AdjacentRow } from '../sealed-record.ts';

/** Returns a row with bytes of others before and after it. */
export function adjacentRow(key: Uint8Array, value: Uint8Array): AdjacentRow {
  const before = 3;
  const bytes = new Uint8Array(before + key.length + value.length + 5).fill(0xa5);
  bytes.set(key, before);
  bytes.set(value, before + key.length);
  const valueStart = before + key.length;
  return { bytes, keyStart: before, valueStart, valueEnd: valueStart + value.length };
}
