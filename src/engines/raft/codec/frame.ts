// Frames: how a stream of bytes is cut into payloads, on connections between nodes and in nothing else.
//
//   length of the payload   3 bytes, big-endian
//   check of the length     1 byte: the exclusive or of those three, inverted
//   checksum                4 bytes, CRC-32 of the payload, big-endian
//   payload
//
// The length has a check of its own because a wrong one would otherwise leave the reader waiting, in silence, for
// bytes that never were a part of this frame.

import { assert } from '../../../shared/assert.ts';
import { u32At } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { crc32 } from './crc32.ts';
import { malformed } from './malformed.ts';

export const FRAME_HEADER_BYTES = 8;
export const MAX_FRAME_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** Of payloads whose memory is used again: shorter ones are not worth it. */
const MIN_LENT_BYTES = 64 * 1024;

/** Starts a frame at the end of `writer`; write the payload next, then call endFrame with what came back. */
export function beginFrame(writer: ByteWriter): number {
  const start = writer.length;
  writer.u32(0);
  writer.u32(0);
  return start;
}

/** Completes the frame that began at `start`. A payload over MAX_FRAME_PAYLOAD_BYTES is a bug of the caller. */
export function endFrame(writer: ByteWriter, start: number): void {
  const payload = writer.view(start + FRAME_HEADER_BYTES);
  writer.patchU32(start, lengthWord(payload.length));
  writer.patchU32(start + 4, crc32(payload));
}

/** What stands before `payload` in its frame. */
export function frameHeader(payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES);
  writer.u32(lengthWord(payload.length));
  writer.u32(crc32(payload));
  return writer.take();
}

/** One frame around `payload`. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES + payload.length);
  writer.raw(frameHeader(payload));
  writer.raw(payload);
  return writer.take();
}

/** The length with its check. */
function lengthWord(length: number): number {
  assert(length <= MAX_FRAME_PAYLOAD_BYTES, `a payload of ${length} bytes fits no frame`);
  return length * 0x100 + lengthCheck(length);
}

function lengthCheck(length: number): number {
  return ((length >>> 16) ^ (length >>> 8) ^ length ^ 0xff) & 0xff;
}

/**
 * Cuts a stream into payloads. After each push, call `next` until it gives undefined. A CodedError `malformed` from
 * it means that the stream cannot be read any further: close the connection.
 */
export class FrameDecoder {
  /** Frames that are longer are refused before anything is reserved for them. May be changed between frames. */
  maxPayloadBytes: number;

  #chunk: Uint8Array = EMPTY;
  #offset = 0;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  /** The payload that is being put together from several chunks; undefined while a header is read. */
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  /**
   * Memory of long payloads: what was given back, and what is somebody else's. One spare is enough, as one is put together while
   * the one before is still read, and a peer may have many connections open.
   */
  #spare: Uint8Array | undefined;
  readonly #lent = new WeakSet<ArrayBufferLike>();

  constructor(maxPayloadBytes = MAX_FRAME_PAYLOAD_BYTES) {
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /** True when the stream may end here: no frame has begun. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#offset === this.#chunk.length;
  }

  /** Takes the next bytes, which must not change afterwards: payloads may be views of them. */
  push(chunk: Uint8Array): void {
    assert(
      this.#offset === this.#chunk.length,
      'the last chunk is read to its end before the next one comes',
    );
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next whole payload; undefined when it takes more bytes. */
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
    if ((word & 0xff) !== lengthCheck(length)) throw malformed('what arrived is no frame');
    if (length > this.maxPayloadBytes) {
      throw malformed(`a frame of ${length} bytes is over the bound of ${this.maxPayloadBytes}`);
    }
    return length;
  }

  /** A view when the payload lies in one chunk, else a copy that grows chunk by chunk. */
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
   * The bytes of a payload, or a part of them, are not read any more: their memory may be that of a later one. For long
   * payloads, which come one after the other: new memory for each has V8's collector run all the time.
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

  /** Moves what the chunk has and `target` still lacks; returns how many bytes that were. */
  #copyInto(target: Uint8Array, filled: number): number {
    const moved = Math.min(target.length - filled, this.#chunk.length - this.#offset);
    target.set(this.#chunk.subarray(this.#offset, this.#offset + moved), filled);
    this.#offset += moved;
    return moved;
  }
}

const EMPTY = new Uint8Array(0);
