// Values of the store with a checksum of their own: LMDB's pages have none. The key goes in too, so that a value
// found under another key is damage.

import { allocateBytes } from '../shared/allocate-bytes.ts';
import { CodedError } from '../shared/coded-error.ts';
import { encodeShortAscii, encodeUtf8 } from '../shared/utf8.ts';
import { u32At } from './byte-reader.ts';
import { crc32 } from './crc32.ts';

const CHECKSUM_BYTES = 4;

/** `payload`, then CRC-32 of key and payload, big-endian. */
export function seal(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const sealed = allocateBytes(payload.length + CHECKSUM_BYTES);
  sealed.set(payload);
  return closed(key, sealed);
}

/** `text` in UTF-8, sealed. */
export function sealText(key: Uint8Array, text: string): Uint8Array {
  const sealed = encodeShortAscii(text, { before: 0, after: CHECKSUM_BYTES });
  return sealed === undefined ? seal(key, encodeUtf8(text)) : closed(key, sealed);
}

/** Writes the checksum where the payload ends. */
function closed(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - CHECKSUM_BYTES;
  const checksum = crc32(sealed, crc32(key), end);
  sealed[end] = checksum >>> 24;
  sealed[end + 1] = checksum >>> 16;
  sealed[end + 2] = checksum >>> 8;
  sealed[end + 3] = checksum;
  return sealed;
}

/** The payload as a view of `value`. Throws CodedError `record_damaged` with the key in hexadecimal. */
export function openSealed(key: Uint8Array, value: Uint8Array): Uint8Array {
  const end = value.length - CHECKSUM_BYTES;
  if (end < 0) throw damaged(key, 'is too short to hold a checksum');
  const payload = value.subarray(0, end);
  const stored = u32At(value, end);
  if (crc32(payload, crc32(key)) !== stored) throw damaged(key, 'does not match its checksum');
  return payload;
}

function damaged(key: Uint8Array, what: string): CodedError {
  const hexadecimalKey = Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return new CodedError('record_damaged', `the record under key ${hexadecimalKey} ${what}`, {
    fields: { key: hexadecimalKey },
  });
}
