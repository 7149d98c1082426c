// The rows of a snapshot in bytes, as they lie in the sender's store: the key with the sender's generation, the value with
// the seal that covers both. Nothing is decoded or sealed for the way: the receiver's check of that one seal covers the
// sender's disk, the way, and how the bytes were taken apart.
//
//   rows = row*      row = bytes of the key · bytes of the value (varints) · key · value

import { ByteReader } from '../codec/byte-reader.ts';
import { malformed } from '../codec/malformed.ts';
import { CHECKSUM_BYTES, isSealedBetween, SealShift } from '../codec/sealed-record.ts';
import { CodedError } from '../shared/coded-error.ts';
import { farmKeyOf, generationsRange, justAfter, MAX_FARM_KEY_BYTES, stateKey } from './keys.ts';
import type { KeyValueSnapshot, WriteOperation } from './ports.ts';

/** Far more than a sender puts into one chunk. */
export const MAX_CHUNK_ROWS = 65_536;
/** Two lengths, a key's beginning and a seal. */
export const MIN_ROW_BYTES = 11;
/** A length below 2²⁸. */
const MAX_LENGTH_BYTES = 4;

/** Consecutive rows in key order. */
export interface SnapshotRows {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * The next rows of a generation after the farm's key `afterKey` (all when it is empty): as many as fit in `maxBytes`,
 * but one at least. None when there are no more. `lastKey`: the farm's key of the last one.
 */
export function takeRows(
  picture: KeyValueSnapshot,
  { generation, afterKey, maxBytes }: { generation: number; afterKey: Uint8Array; maxBytes: number },
): SnapshotRows & { readonly lastKey: Uint8Array } {
  const { from: first, to } = generationsRange(generation, generation + 1);
  const from = afterKey.length === 0 ? first : justAfter(stateKey(generation, afterKey));
  let bytes = new Uint8Array(maxBytes);
  let at = 0;
  let count = 0;
  let lastKey: Uint8Array | undefined;
  for (const { key, value } of picture.range({ from, to })) {
    const room = 2 * MAX_LENGTH_BYTES + key.length + value.length;
    if (at + room > bytes.length) {
      if (count > 0) break;
      bytes = new Uint8Array(room);
    }
    at = writeLength(bytes, at, key.length);
    at = writeLength(bytes, at, value.length);
    bytes.set(key, at);
    at += key.length;
    bytes.set(value, at);
    at += value.length;
    lastKey = key;
    count += 1;
    if (count === MAX_CHUNK_ROWS) break;
  }
  return {
    count,
    bytes: bytes.subarray(0, at),
    lastKey: lastKey === undefined ? afterKey : farmKeyOf(lastKey).slice(),
  };
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  let rest = length;
  let to = at;
  while (rest > 0x7f) {
    bytes[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[to++] = rest;
  return to;
}

/** Takes rows of one generation of a sender into one of our own. */
export class RowStager {
  readonly #fromHead: Uint8Array;
  readonly #toHead: Uint8Array;
  readonly #shift: SealShift;

  constructor(generations: { from: number; to: number }) {
    const none = new Uint8Array(0);
    this.#fromHead = stateKey(generations.from, none);
    this.#toHead = stateKey(generations.to, none);
    this.#shift = new SealShift({ from: this.#fromHead, to: this.#toHead });
  }

  /**
   * What puts `rows`, all after the farm's key `afterKey`, under our generation. Throws CodedError `malformed`, or
   * `snapshot_damaged` when a row is not as its sender wrote it. The operations' bytes are a copy of their own.
   */
  stage(rows: SnapshotRows, afterKey: Uint8Array): { operations: WriteOperation[]; lastKey: Uint8Array } {
    const bytes = rows.bytes.slice();
    const reader = new ByteReader(bytes);
    const headBytes = this.#toHead.length;
    const operations: WriteOperation[] = [];
    // Positions and no views of what is only looked at: there are millions of rows.
    let previous = afterKey;
    let previousFrom = 0;
    let previousEnd = afterKey.length;
    for (let row = 0; row < rows.count; row++) {
      const keyBytes = reader.varint(headBytes);
      const valueBytes = reader.varint(CHECKSUM_BYTES);
      if (keyBytes > headBytes + MAX_FARM_KEY_BYTES) {
        throw malformed(`a key has ${keyBytes - headBytes} bytes, and ${MAX_FARM_KEY_BYTES} are the most`);
      }
      const keyAt = reader.skip(keyBytes + valueBytes);
      const valueAt = keyAt + keyBytes;
      const end = valueAt + valueBytes;
      this.#check(bytes, keyAt, end);
      this.#reseal(bytes, keyAt, end);
      const from = keyAt + headBytes;
      if (!isAfter(bytes, { from, end: valueAt }, previous, { from: previousFrom, end: previousEnd }))
        throw malformed('the rows of a snapshot are not in the order of their keys');
      [previous, previousFrom, previousEnd] = [bytes, from, valueAt];
      operations.push({
        kind: 'put',
        key: bytes.subarray(keyAt, valueAt),
        value: bytes.subarray(valueAt, end),
      });
    }
    reader.end();
    return { operations, lastKey: previous.slice(previousFrom, previousEnd) };
  }

  #check(bytes: Uint8Array, from: number, end: number): void {
    const head = this.#fromHead;
    for (let at = 0; at < head.length; at++) {
      if (bytes[from + at] !== head[at]) throw malformed('a row is not of the generation that was announced');
    }
    if (!isSealedBetween(bytes, from, end)) {
      throw new CodedError(
        'snapshot_damaged',
        `the row at byte ${from} of a chunk does not match its checksum`,
      );
    }
  }

  #reseal(bytes: Uint8Array, from: number, end: number): void {
    const head = this.#toHead;
    for (let at = 0; at < head.length; at++) bytes[from + at] = head[at] as number;
    const sealAt = end - CHECKSUM_BYTES;
    const difference = this.#shift.difference(sealAt - from - head.length);
    for (let at = 0; at < CHECKSUM_BYTES; at++) {
      bytes[sealAt + at] = (bytes[sealAt + at] as number) ^ ((difference >>> (24 - 8 * at)) & 0xff);
    }
  }
}

interface Span {
  readonly from: number;
  readonly end: number;
}

/** Bytewise, as the store orders its keys; whatever there is is after nothing. */
function isAfter(bytes: Uint8Array, key: Span, others: Uint8Array, other: Span): boolean {
  const keyBytes = key.end - key.from;
  const otherBytes = other.end - other.from;
  for (let at = 0; at < keyBytes && at < otherBytes; at++) {
    const difference = (bytes[key.from + at] as number) - (others[other.from + at] as number);
    if (difference !== 0) return difference > 0;
  }
  return keyBytes > otherBytes;
}
