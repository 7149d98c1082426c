// Rows of a snapshot for tests: made by hand, and taken apart again.

import { ByteReader } from '../codec/byte-reader.ts';
import { seal } from '../codec/sealed-record.ts';
import { encodeUtf8 } from '../shared/utf8.ts';
import { farmKeyOf, stateKey } from './keys.ts';
import type { KeyValueRow } from './ports.ts';
import { type SnapshotRows, takeRows } from './snapshot-rows.ts';

/** A row as it lies in a store. */
export function rowOf(generation: number, key: string, value: unknown): KeyValueRow {
  const storeKey = stateKey(generation, encodeUtf8(key));
  return { key: storeKey, value: seal(storeKey, encodeUtf8(JSON.stringify(value))) };
}

/** The rows as they are sent, whatever they are. */
export function rowsOf(...rows: readonly KeyValueRow[]): SnapshotRows {
  const picture = { get: () => undefined, range: () => rows, close: () => undefined };
  const taken = takeRows(picture, { generation: 1, afterKey: new Uint8Array(0), maxBytes: 1024 * 1024 });
  return { count: taken.count, bytes: taken.bytes };
}

/** The farm's keys. */
export function keysIn({ count, bytes }: SnapshotRows): string[] {
  const reader = new ByteReader(bytes);
  return Array.from({ length: count }, () => {
    const [keyBytes, valueBytes] = [reader.varint(), reader.varint()];
    const key = reader.raw(keyBytes);
    reader.raw(valueBytes);
    return new TextDecoder().decode(farmKeyOf(key));
  });
}
