// Frames divide the byte stream between two nodes into payloads.
//
// length of the payload   3 bytes, big-endian check of the length     1 byte: the exclusive or of those
// three, inverted checksum                4 bytes, CRC-32 of the payload, big-endian payload
//
// The length has its own check. With a wrong length the reader would wait silently for bytes that are not
// part of this frame.

import { assert } from '../../../shared/assert.ts';
import { u32At } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { crc32 } from './crc32.ts';
import { malformed } from './malformed.ts';

export const FRAME_HEADER_BYTES = 8;
export const MAX_FRAME_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** Memory of shorter payloads is not reused: that gains nothing. */
const MIN_LENT_BYTES = 64 * 1024;

/** Starts a frame at the end of `writer`, and returns its start. Write the payload, then call endFrame. */
export function beginFrame(writer: ByteWriter): number {
  const start = writer.length;
  writer.u32(0);
  writer.u32(0);
  return start;
}

/** Completes the frame at `start`. A payload over MAX_FRAME_PAYLOAD_BYTES is a bug of the caller. */
export function endFrame(writer: ByteWriter, start: number): void {
  const payload = writer.view(start + FRAME_HEADER_BYTES);
  writer.patchU32(start, lengthWord(payload.length));
  writer.patchU32(start + 4, crc32(payload));
}

/** Returns the header of the frame around `payload`. */
export function frameHeader(payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES);
  writer.u32(lengthWord(payload.length));
  writer.u32(crc32(payload));
  return writer.take();
}

/** Returns one frame around `payload`. For tests: the product frames messages as it writes them. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES + payload.length);
  writer.raw(frameHeader(payload));
  writer.raw(payload);
  return writer.take();
}

/** Returns length and check as one word. */
function lengthWord(length: number): number {
  assert(length <= MAX_FRAME_PAYLOAD_BYTES, `a payload of ${length} bytes fits no frame`);
  return length * 0x100 + lengthCheck(length);
}

function lengthCheck(length: number): number {
  return ((length >>> 16) ^ (length >>> 8) ^ length ^ 0xff) & 0xff;
}

/**
 * Divides a stream into payloads. After each push, call `next` until it returns undefined. After a CodedError
 * `malformed` the stream cannot be read any further: close the connection.
 */
export class FrameDecoder {
  /** Longer frames are refused before memory is reserved for them. May change between frames. */
  maxPayloadBytes: number;

  #chunk: Uint8Array = EMPTY;
  #offset = 0;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  /** The payload that is assembled from several chunks. Undefined while a header is read. */
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  /**
   * Memory of long payloads: one spare buffer that was given back, and the buffers that a caller still uses.
   * One spare is enough: one payload is assembled while the previous one is read. A peer may have many
   * connections open.
   */
  #spare: Uint8Array | undefined;
  readonly #lent = new WeakSet<ArrayBufferLike>();

  constructor(maxPayloadBytes = MAX_FRAME_PAYLOAD_BYTES) {
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /** Whether the stream may end here, because no frame has begun. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#offset === this.#chunk.length;
  }

  /** Takes the next bytes. They must not change afterwards, because payloads may be views of them. */
  push(chunk: Uint8Array): void {
    assert(this.#offset === this.#chunk.length, 'the next chunk came before the last one was read whole');
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** Returns the next whole payload, or undefined if it needs more bytes. */
  next(): Uint8Array | undefined {
    if (this.#headerFilled < FRAME_HEADER_BYTES) {
      this.#headerFilled += this.#copyInto(this.#header, this.#headerFilled);
      if (this.#headerFilled < FRAME_HEADER_BYTES) return undefined;
    }
    const payload = this.#nextPayload(this.#readLength());
    if (payload === undefined) return undefined;

    if (crc32(payload) !== u32At(this.#header, 4)) throw malformed('a frame does not match its checksum');
    this.#headerFilled = 0;
    return payload;
  }

  #readLength(): number {
    const word = u32At(this.#header, 0);
    const length = word >>> 8;
    if ((word & 0xff) !== lengthCheck(length)) throw malformed('the bytes are not a frame');
    if (length > this.maxPayloadBytes) {
      throw malformed(`a frame of ${length} bytes is over the bound of ${this.maxPayloadBytes}`);
    }
    return length;
  }

  /** Returns a view if the payload is within one chunk, else a copy that is filled chunk by chunk. */
  #nextPayload(length: number): Uint8Array | undefined {
    if (this.#payload === undefined) {
      const end = this.#offset + length;
      if (end <= this.#chunk.length) {
        const payload = this.#chunk.subarray(this.#offset, end);
        this.#offset = end;
        return payload;
      }
      this.#payload = this.#roomFor(length);
      this.#payloadFilled = 0;
    }
    this.#payloadFilled += this.#copyInto(this.#payload, this.#payloadFilled);
    if (this.#payloadFilled < length) return undefined;
    const payload = this.#payload;
    this.#payload = undefined;
    return payload;
  }

  /**
   * Gives the memory of a payload, or of a part of it, back for a later payload. The caller must not read it
   * any more. New memory for each long payload of a snapshot would keep V8's garbage collector running.
   */
  giveBack(bytes: Uint8Array): void {
    if (this.#lent.delete(bytes.buffer)) this.#spare = new Uint8Array(bytes.buffer);
  }

  #roomFor(length: number): Uint8Array {
    if (length < MIN_LENT_BYTES) return new Uint8Array(length);
    const spare = this.#spare;
    this.#spare = undefined;
    const room = spare !== undefined && spare.length >= length ? spare : new Uint8Array(length);
    this.#lent.add(room.buffer);
    return room.subarray(0, length);
  }

  /** Copies the bytes that `target` still lacks, as far as the chunk has them. Returns their number. */
  #copyInto(target: Uint8Array, filled: number): number {
    const moved = Math.min(target.length - filled, this.#chunk.length - this.#offset);
    target.set(this.#chunk.subarray(this.#offset, this.#offset + moved), filled);
    this.#offset += moved;
    return moved;
  }
}

const EMPTY = new Uint8Array(0);
