// Writes one sequence of bytes, for ByteReader to read. Multi-byte numbers of fixed width are big-endian.

import { assert } from '../../../shared/assert.ts';
import { encodeUtf8, writeAscii } from '../../../shared/utf8.ts';

const DEFAULT_CAPACITY_BYTES = 256;
/** A buffer that was handed over is replaced by one of its size, up to this bound. */
const MAX_REMEMBERED_CAPACITY_BYTES = 64 * 1024;
const MAX_VARINT_BYTES = 8;
const MAX_U32 = 0xffff_ffff;
/** Shorter text has a length of one byte. */
const SHORT_TEXT_CHARACTERS = 0x80;

/** Throws AssertionError for numbers out of range and text over its bound, which are bugs of the caller. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** The writer writes into `room`, which nothing else may use, until it needs more. */
  constructor(room: Uint8Array | number = DEFAULT_CAPACITY_BYTES) {
    this.#bytes = typeof room === 'number' ? new Uint8Array(room) : room;
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, 'a u8 is an integer from 0 to 255');
    this.#makeRoom(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#makeRoom(4);
    this.#length += 4;
    this.patchU32(this.#length - 4, value);
  }

  /** Writes a safe integer ≥ 0, seven bits a byte, lowest bits first: 1 byte below 128, at most 8. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a varint is a safe integer that is not negative');
    this.#makeRoom(MAX_VARINT_BYTES);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    // Bit operations work on 32 bits only. Higher bits need division.
    while (rest > MAX_U32) {
      bytes[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  boolean(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** Writes the bytes without their length, which the reader must know. */
  raw(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes length and bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Writes length and UTF-8, which takes at most `maxBytes`. */
  string(text: string, maxBytes: number): void {
    if (text.length < SHORT_TEXT_CHARACTERS && text.length <= maxBytes) {
      this.#makeRoom(1 + text.length);
      if (writeAscii(text, this.#bytes, this.#length + 1)) {
        this.#bytes[this.#length] = text.length;
        this.#length += 1 + text.length;
        return;
      }
    }
    const encoded = encodeUtf8(text);
    assert(encoded.length <= maxBytes, `a text of ${encoded.length} bytes is over its bound of ${maxBytes}`);
    this.bytes(encoded);
  }

  /** Overwrites four bytes that are already written. */
  patchU32(offset: number, value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= MAX_U32, 'a u32 is an integer from 0 to 2^32-1');
    assert(offset >= 0 && offset + 4 <= this.#length, 'only written bytes can be patched');
    const bytes = this.#bytes;
    bytes[offset] = value >>> 24;
    bytes[offset + 1] = value >>> 16;
    bytes[offset + 2] = value >>> 8;
    bytes[offset + 3] = value;
  }

  /** Drops everything from `length` on. */
  truncate(length: number): void {
    assert(length >= 0 && length <= this.#length, 'truncation never lengthens');
    this.#length = length;
  }

  /** Returns the written bytes from `from` on as a view that is valid until the next write. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  /** Hands over the written bytes without a copy, and starts again empty. */
  take(): Uint8Array {
    const taken = this.view();
    this.#bytes = new Uint8Array(0);
    this.#capacityHintBytes = Math.min(taken.length, MAX_REMEMBERED_CAPACITY_BYTES);
    this.#length = 0;
    return taken;
  }

  #capacityHintBytes = 0;

  #makeRoom(neededBytes: number): void {
    const needed = this.#length + neededBytes;
    if (needed <= this.#bytes.length) return;
    const leastBytes = Math.max(this.#capacityHintBytes, DEFAULT_CAPACITY_BYTES);
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, leastBytes));
    grown.set(this.view());
    this.#bytes = grown;
  }
}
