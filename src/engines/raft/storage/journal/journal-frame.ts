// The format of one frame of the journal: operations that are written together, all or none.
//
// | bytes | what |
// |---|---|
// | 0 | magic |
// | 4 | CRC-32 of the rest of the frame, from byte 8 on |
// | 8 | length of the operations in bytes |
// | 12 | how many operations |
// | 16 | number of the frame, u64: 1, 2, 3 … over all segments |
// | 24 | number of the segment, u32 |
// | 28 | in the first frame of a segment: where the frames of the previous segment end; otherwise 0 |
// | 32 | length of the segment, u32 |
// | 36 | how many of the frame's sectors are all zeros, u32 |
// | 40 | CRC-32 of the header up to here, so that the header of a torn frame can be trusted |
// | 44 | operations: kind u8, key length u16, value length u32, key, value |
// | after them | one byte that is not 0: it shows whether the last sector was written |
//
// Numbers are big-endian. A frame begins at a multiple of FRAME_ALIGNMENT_BYTES, so no page of the system and
// no sector of a disk holds acknowledged bytes together with bytes that are still being written.

import { assert } from '../../../../shared/assert.ts';
import { u32At } from '../../codec/byte-reader.ts';
import { crc32 } from '../../codec/crc32.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';

export const FRAME_ALIGNMENT_BYTES = 4_096;
const SECTOR_BYTES = 512;
const FRAME_HEADER_BYTES = 44;
const END_MARK = 0xa5;
const END_BYTES = 1;
const OPERATION_HEADER_BYTES = 7;
const MAGIC = 0x5233_444a;
const CHECKED_FROM = 8;
const HEADER_CHECKED_TO = 40;

/** These numbers are on disks: they must never change their meaning. */
const PUT = 1;
const DELETE = 2;

interface FrameHeader {
  readonly number: number;
  readonly segment: number;
  readonly previousEnd: number;
  readonly segmentBytes: number;
}

export interface Frame extends FrameHeader {
  readonly operations: readonly WriteOperation[];
  /** The length without the padding after the frame. */
  readonly bytes: number;
}

/** Returns the bytes that the operations take in a frame. */
export function operationsBytes(operations: readonly WriteOperation[]): number {
  let bytes = 0;
  for (const operation of operations) bytes += operationBytes(operation);
  return bytes;
}

export function operationBytes(operation: WriteOperation): number {
  const valueBytes = operation.kind === 'put' ? operation.value.length : 0;
  return OPERATION_HEADER_BYTES + operation.key.length + valueBytes;
}

/** Returns the bytes of a segment that a frame of the operations takes. */
export function frameExtent(operations: readonly WriteOperation[]): number {
  return aligned(FRAME_HEADER_BYTES + operationsBytes(operations) + END_BYTES);
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / FRAME_ALIGNMENT_BYTES) * FRAME_ALIGNMENT_BYTES;
}

/** Returns the bytes of a frame, including zeros up to the beginning of the next one. */
export function encodeFrame(header: FrameHeader, operations: readonly WriteOperation[]): Buffer {
  const payloadBytes = operationsBytes(operations);
  const end = FRAME_HEADER_BYTES + payloadBytes;
  const frame = Buffer.allocUnsafe(aligned(end + END_BYTES));
  frame.fill(0, end);
  frame[end] = END_MARK;
  frame.writeUInt32BE(MAGIC, 0);
  frame.writeUInt32BE(payloadBytes, 8);
  frame.writeUInt32BE(operations.length, 12);
  frame.writeBigUInt64BE(BigInt(header.number), 16);
  frame.writeUInt32BE(header.segment, 24);
  frame.writeUInt32BE(header.previousEnd, 28);
  frame.writeUInt32BE(header.segmentBytes, 32);
  let at = FRAME_HEADER_BYTES;
  for (const operation of operations) at = writeOperation(frame, at, operation);
  assert(at === end, 'a frame has the length that was counted');
  frame.writeUInt32BE(zeroSectors(frame, 0, end + END_BYTES), 36);
  frame.writeUInt32BE(crc32(frame.subarray(CHECKED_FROM, HEADER_CHECKED_TO)), HEADER_CHECKED_TO);
  frame.writeUInt32BE(crc32(frame.subarray(CHECKED_FROM, end + END_BYTES)), 4);
  return frame;
}

/** Writes an operation at `at`, where there are `operationBytes` for it. Returns where it ends. */
export function writeOperation(bytes: Buffer, at: number, operation: WriteOperation): number {
  const { key } = operation;
  const isPut = operation.kind === 'put';
  const keyAt = at + OPERATION_HEADER_BYTES;
  const valueAt = keyAt + key.length;
  bytes[at] = isPut ? PUT : DELETE;
  bytes.writeUInt16BE(key.length, at + 1);
  bytes.writeUInt32BE(isPut ? operation.value.length : 0, at + 3);
  bytes.set(key, keyAt);
  if (!isPut) return valueAt;
  bytes.set(operation.value, valueAt);
  return valueAt + operation.value.length;
}

/**
 * Reads what `writeOperation` wrote at `at`. Key and value are views of `bytes`, which must not change
 * afterwards.
 */
export function operationAt(bytes: Buffer, at: number): WriteOperation {
  const keyAt = at + OPERATION_HEADER_BYTES;
  const valueAt = keyAt + bytes.readUInt16BE(at + 1);
  const key = plain(bytes, keyAt, valueAt);
  if (bytes[at] === DELETE) return { kind: 'delete', key };
  return { kind: 'put', key, value: plain(bytes, valueAt, valueAt + bytes.readUInt32BE(at + 3)) };
}

/**
 * Returns the frame that begins at `at`, or undefined when no undamaged frame does. Keys and values are views
 * of `bytes`, which must not change afterwards.
 */
export function decodeFrame(bytes: Buffer, at: number): Frame | undefined {
  const end = frameEndAt(bytes, at);
  if (end === undefined) return undefined;
  if (crc32(bytes.subarray(at + CHECKED_FROM, end)) !== u32At(bytes, at + 4)) return undefined;
  const operations = readOperations(bytes.subarray(at + FRAME_HEADER_BYTES, end - END_BYTES));
  if (operations === undefined || operations.length !== u32At(bytes, at + 12)) return undefined;
  return {
    number: u32At(bytes, at + 16) * 0x1_0000_0000 + u32At(bytes, at + 20),
    segment: u32At(bytes, at + 24),
    previousEnd: u32At(bytes, at + 28),
    segmentBytes: u32At(bytes, at + 32),
    operations,
    bytes: end - at,
  };
}

/** Returns where the frame that begins at `at` ends by its header; undefined when no frame begins there. */
function frameEndAt(bytes: Buffer, at: number): number | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length || u32At(bytes, at) !== MAGIC) return undefined;
  const header = bytes.subarray(at + CHECKED_FROM, at + HEADER_CHECKED_TO);
  if (crc32(header) !== u32At(bytes, at + HEADER_CHECKED_TO)) return undefined;
  const end = at + FRAME_HEADER_BYTES + u32At(bytes, at + 8) + END_BYTES;
  return end <= bytes.length ? end : undefined;
}

/**
 * Returns true for a torn frame: more of its sectors are all zeros, as the segment was made, than its header
 * says. A frame of which every sector was written is damaged instead.
 */
export function isTorn(bytes: Buffer, at: number): boolean {
  if (isZero(bytes, at, Math.min(bytes.length, at + SECTOR_BYTES))) return true;
  const end = frameEndAt(bytes, at);
  // Without an end, the first sector was written and its header is wrong: that is damage.
  return end !== undefined && zeroSectors(bytes, at, end) > u32At(bytes, at + 36);
}

/** Counts the sectors that are all zeros; the last one may be shorter. */
function zeroSectors(bytes: Buffer, from: number, end: number): number {
  let count = 0;
  for (let at = from; at < end; at += SECTOR_BYTES) {
    if (isZero(bytes, at, Math.min(at + SECTOR_BYTES, end))) count += 1;
  }
  return count;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Returns whether the bytes `from` ≤ position < `to` are all 0. */
export function isZero(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== 0) return from >= to;
  for (let at = from; at < to; at += ZEROS.length) {
    const end = Math.min(to, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}

function readOperations(payload: Buffer): WriteOperation[] | undefined {
  const operations: WriteOperation[] = [];
  for (let at = 0; at < payload.length; ) {
    const kind = payload[at];
    const keyAt = at + OPERATION_HEADER_BYTES;
    if (keyAt > payload.length) return undefined;
    const valueAt = keyAt + payload.readUInt16BE(at + 1);
    const end = valueAt + payload.readUInt32BE(at + 3);
    if (end > payload.length || (kind !== PUT && (kind !== DELETE || end !== valueAt))) return undefined;
    operations.push(operationAt(payload, at));
    at = end;
  }
  return operations;
}

/** Returns the bytes as a plain Uint8Array: `slice` of a Buffer is a view, and pure code expects a copy. */
function plain(bytes: Buffer, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}
