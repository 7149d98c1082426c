// Reads the journal when a store is opened. A frame is begun only when the one before it is durable, so only
// the last frame may be torn by a crash. Every other deviation is damage, and stops the node (trap 29).
//
// A last frame with an unwritten sector (all zeros, as the segment was made) was never acknowledged, and is
// ignored. If every sector was written and the checksum does not match, the frame may have been acknowledged:
// that is damage.

import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { CodedError } from '../../../../shared/coded-error.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { storeDamaged } from '../storage-errors.ts';
import { aligned, decodeFrame, FRAME_ALIGNMENT_BYTES, type Frame, isTorn, isZero } from './journal-frame.ts';
import type { SegmentFile } from './journal-segments.ts';

export interface RecoveredJournal {
  /** The segments up to the one that was written last. */
  readonly files: readonly SegmentFile[];
  /** The operations of the frames after `through`, in their order. */
  readonly operations: readonly WriteOperation[];
  /** The number of the last frame, also if it is not after `through`. */
  readonly lastFrame: number;
  /** Where the frames of the last segment end. */
  readonly framesEnd: number;
  /** True when only zeros follow the frames, so that the next one may be written there. */
  readonly isEndClean: boolean;
  /** The segment after that one, if it exists and is all zeros. */
  readonly spare: SegmentFile | undefined;
}

interface Segment extends SegmentFile {
  readonly bytes: Buffer;
}

/**
 * Reads `files`, which have consecutive numbers and begin with the segment of frame `through`. Frames up to
 * `through` are in the store already. Throws CodedError `store_damaged`.
 */
export function recoverJournal(
  directory: string,
  files: readonly SegmentFile[],
  through: number,
): RecoveredJournal {
  const segments = files.map(readSegment);
  const used = Math.max(1, segments.findLastIndex((segment) => firstFrameOf(segment) !== undefined) + 1);
  const reader = new JournalReader(through);
  for (const [at, segment] of segments.slice(0, used - 1).entries()) {
    // The next segment says where the frames of this one end.
    const follower = segments[at + 1];
    const end = (follower && firstFrameOf(follower)?.previousEnd) ?? 0;
    const framesEnd = reader.readFrames(segment, end);
    if (framesEnd !== end) throw damaged(segment, framesEnd, 'a frame is damaged, and others follow it');
  }
  const last = segments[used - 1];
  if (last === undefined) throw journalDamaged(directory, 'the journal has no segment');
  const framesEnd = reader.readFrames(last, last.bytes.length);
  const isEndClean = reader.checkTail(last, framesEnd);
  // Only the next segment to be used may hold a torn frame.
  const [next, ...others] = segments.slice(used);
  const spare = next !== undefined && reader.checkTail(next, 0) ? files[used] : undefined;
  const written = others.find(({ bytes }) => !isZero(bytes, 0, bytes.length));
  if (written !== undefined) throw damaged(written, 0, 'it was written, and the segment before it is empty');
  const { operations, lastFrame = 0 } = reader;
  if (lastFrame < through) {
    throw journalDamaged(directory, `the journal ends at frame ${lastFrame}, and had ${through}`);
  }
  return { files: files.slice(0, used), operations, lastFrame, framesEnd, isEndClean, spare };
}

function readSegment(file: SegmentFile): Segment {
  const segment = { ...file, bytes: readFileSync(file.path) };
  const { length } = segment.bytes;
  if (length === 0 || length !== aligned(length)) throw damaged(segment, length, 'it was truncated');
  return segment;
}

function firstFrameOf({ bytes, number }: Segment): Frame | undefined {
  const frame = decodeFrame(bytes, 0);
  return frame?.segment === number ? frame : undefined;
}

class JournalReader {
  readonly operations: WriteOperation[] = [];
  /** The number of the last frame that was read. */
  lastFrame: number | undefined;
  readonly #through: number;

  constructor(through: number) {
    this.#through = through;
  }

  /** The number that the next frame must have. For the first frame it is the highest that it may have. */
  get #next(): number {
    return (this.lastFrame ?? this.#through) + 1;
  }

  /** Reads frames up to `end` or up to the first damaged one, and returns where they end. */
  readFrames(segment: Segment, end: number): number {
    let position = 0;
    while (position < end) {
      const frame = decodeFrame(segment.bytes, position);
      if (frame === undefined) break;
      this.#take(frame, segment, position);
      position += aligned(frame.bytes);
    }
    return position;
  }

  #take({ number, operations, ...frame }: Frame, segment: Segment, position: number): void {
    const isInPlace = number === this.#next || (this.lastFrame === undefined && number < this.#next);
    if (frame.segment !== segment.number || !isInPlace) {
      const what = `frame ${number} of segment ${frame.segment} is where frame ${this.#next} should be`;
      throw damaged(segment, position, what);
    }
    if (frame.segmentBytes !== segment.bytes.length) throw damaged(segment, position, 'it was truncated');
    this.lastFrame = number;
    if (number <= this.#through) return;
    for (const operation of operations) this.operations.push(operation);
  }

  /**
   * Returns true when nothing was written after the frames, false for a torn frame. Throws for a damaged one.
   */
  checkTail(segment: Segment, position: number): boolean {
    const { bytes } = segment;
    if (isZero(bytes, position, bytes.length)) return true;
    if (this.#next <= this.#through) {
      throw damaged(segment, position, `frame ${this.#next} is damaged, and was durable`);
    }
    for (let at = position + FRAME_ALIGNMENT_BYTES; at < bytes.length; at += FRAME_ALIGNMENT_BYTES) {
      if (decodeFrame(bytes, at)?.segment === segment.number) {
        throw damaged(segment, position, 'a frame is damaged, and others follow it');
      }
    }
    if (isTorn(bytes, position)) return false;
    throw damaged(segment, position, 'the last frame does not match its checksum');
  }
}

function damaged({ path }: SegmentFile, position: number, what: string): CodedError {
  return journalDamaged(dirname(path), `${basename(path)}, byte ${position}: ${what}`);
}

export function journalDamaged(directory: string, what: string | Error): CodedError {
  const cause = typeof what === 'string' ? new Error(what) : what;
  return storeDamaged(`the journal in ${directory}`, directory, cause);
}
