// Sealed values of the store: each ends with its own checksum, because LMDB's pages have none. The checksum
// includes the key, so a value under another key is damage.

import { allocateBytes } from '../../../shared/allocate-bytes.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { encodeUtf8 } from '../../../shared/utf8.ts';
import { u32At } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { crc32, crc32Between, crc32InBlock } from './crc32.ts';

export const CHECKSUM_BYTES = 4;

/** A row in place: its key, directly followed by its sealed value. Checks of a whole file copy no row. */
export interface AdjacentRow {
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  /** Also the end of the key. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Returns `payload` followed by CRC-32 of key and payload, big-endian. */
export function seal(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const sealed = allocateBytes(payload.length + CHECKSUM_BYTES);
  sealed.set(payload);
  return withChecksum(key, sealed);
}

/** Seals the payload of `writer` in place, and takes it from there. */
export function sealWritten(key: Uint8Array, writer: ByteWriter): Uint8Array {
  writer.u32(crc32(writer.view(), crc32(key)));
  return writer.take();
}

/** Returns `text` in UTF-8, sealed. */
export function sealText(key: Uint8Array, text: string): Uint8Array {
  return withChecksum(key, encodeUtf8(text, { after: CHECKSUM_BYTES }));
}

/** Writes the checksum into the last bytes of `sealed`. */
function withChecksum(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - CHECKSUM_BYTES;
  const checksum = crc32Between(sealed, 0, end, crc32(key));
  sealed[end] = checksum >>> 24;
  sealed[end + 1] = checksum >>> 16;
  sealed[end + 2] = checksum >>> 8;
  sealed[end + 3] = checksum;
  return sealed;
}

/** Returns the payload as a view of `value`. Throws CodedError `record_damaged` with the key in hex. */
export function openSealed(key: Uint8Array, value: Uint8Array): Uint8Array {
  const end = value.length - CHECKSUM_BYTES;
  if (end < 0) throw damaged(key, 'is too short to hold a checksum');
  const payload = value.subarray(0, end);
  const stored = u32At(value, end);
  if (crc32(payload, crc32(key)) !== stored) throw damaged(key, 'does not match its checksum');
  return payload;
}

/** Checks a row in place. Throws like `openSealed`, and returns nothing. */
export function checkSealed({ bytes, keyStart, valueStart, valueEnd }: AdjacentRow): void {
  const end = valueEnd - CHECKSUM_BYTES;
  if (end >= valueStart && crc32InBlock(bytes, keyStart, end) === u32At(bytes, end)) return;
  openSealed(bytes.subarray(keyStart, valueStart), bytes.subarray(valueStart, valueEnd));
}

function damaged(key: Uint8Array, what: string): CodedError {
  const hexadecimalKey = Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return new CodedError('record_damaged', `the record under key ${hexadecimalKey} ${what}`, {
    fields: { key: hexadecimalKey },
  });
}
