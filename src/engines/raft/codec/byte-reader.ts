// Reads the bytes of a ByteWriter. Each value has exactly one spelling. Throws CodedError `malformed`.

import { malformed } from './malformed.ts';

const MAX_VARINT_BYTES = 8;

/** Keeps a byte order mark, so that any text that was written is read back. */
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** Byte strings that are read are views of `bytes`, which must not change. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed('the bytes end in the middle of a value');
    this.#offset++;
    return byte;
  }

  u32(): number {
    return this.u8() * 0x100_0000 + (this.u8() << 16) + (this.u8() << 8) + this.u8();
  }

  /** Reads a safe integer of at least `min`, in its shortest spelling. */
  varint(min = 0): number {
    const value = this.#varint();
    if (value < min) throw malformed(`a number is ${value} and must be at least ${min}`);
    return value;
  }

  boolean(): boolean {
    const byte = this.u8();
    if (byte > 1) throw malformed(`a truth value is 0 or 1, not ${byte}`);
    return byte === 1;
  }

  /** Reads a number of items. Each takes at least `minItemBytes` (≥ 1), so a wrong number is cheap. */
  count(minItemBytes: number, maxItems = Number.MAX_SAFE_INTEGER): number {
    const count = this.#varint();
    if (count > maxItems) throw malformed(`there are ${count} items, and ${maxItems} are the most`);
    if (count * minItemBytes > this.remaining) throw malformed(`there is no room for ${count} items`);
    return count;
  }

  /** Skips `length` bytes, and returns the offset before them. */
  skip(length: number): number {
    if (length > this.remaining) throw malformed('the bytes end in the middle of a value');
    const from = this.#offset;
    this.#offset += length;
    return from;
  }

  /** Returns a view, not a copy. */
  raw(length: number): Uint8Array {
    const from = this.skip(length);
    return this.#bytes.subarray(from, this.#offset);
  }

  /** Returns a view, not a copy. */
  bytes(maxBytes = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.#varint();
    if (length > maxBytes) throw malformed(`a value has ${length} bytes, and ${maxBytes} are the most`);
    return this.raw(length);
  }

  string(maxBytes: number): string {
    return decodeText(this.bytes(maxBytes));
  }

  /** Called when everything was read. */
  end(): void {
    if (this.remaining > 0) throw malformed(`${this.remaining} bytes follow the last value`);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let position = 0; position < MAX_VARINT_BYTES; position++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && position > 0) throw malformed('a number is not in its shortest spelling');
        if (!Number.isSafeInteger(value)) throw malformed('a number is above 2^53-1');
        return value;
      }
      scale *= 0x80;
    }
    throw malformed('a number has too many bytes');
  }
}

/** Throws CodedError `malformed` if the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return textDecoder.decode(bytes);
  } catch {
    throw malformed('a text is not UTF-8');
  }
}

/** Returns the big-endian number at `offset`, where four bytes must exist. */
export function u32At(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] ?? 0) << 24) |
      ((bytes[offset + 1] ?? 0) << 16) |
      ((bytes[offset + 2] ?? 0) << 8) |
      (bytes[offset + 3] ?? 0)) >>>
    0
  );
}
