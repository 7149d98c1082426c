// Rows as bytes with a checksum: the image of a store that has no data file.
//
//   checksum of the rest       4 bytes
//   rows                       key · value, each preceded by its length

import { ByteReader } from '../../src/engines/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../src/engines/raft/codec/byte-writer.ts';
import { crc32 } from '../../src/engines/raft/codec/crc32.ts';
import { malformed } from '../../src/engines/raft/codec/malformed.ts';

const CHECKSUM_BYTES = 4;

export interface ImageRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function encodeRowImage(rows: Iterable<ImageRow>): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(0);
  for (const { key, value } of rows) {
    writer.bytes(key);
    writer.bytes(value);
  }
  writer.patchU32(0, crc32(writer.view(CHECKSUM_BYTES)));
  return writer.take();
}

/** Throws CodedError `malformed`. */
export function decodeRowImage(bytes: Uint8Array): ImageRow[] {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== crc32(bytes.subarray(CHECKSUM_BYTES))) {
    throw malformed('an image does not match its checksum');
  }
  const rows: ImageRow[] = [];
  while (reader.remaining > 0) rows.push({ key: reader.bytes(), value: reader.bytes() });
  return rows;
}
