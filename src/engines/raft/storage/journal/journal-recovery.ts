// What a journal holds, read when a store is opened. A frame is begun only when the one before it is durable, so of all
// frames only the very last may have been cut off by a crash; anything else that is not as it was written is damage, and
// stops the node (trap 29).
//
// The last frame was never acknowledged, and is left out, if a sector of it is still as the segment was made: all
// zeros, where the frame had others. If every sector was written and the checksum does not fit, it was whole once, and may
// have been acknowledged.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import {
  aligned,
  decodeFrame,
  FRAME_ALIGNMENT_BYTES,
  type Frame,
  isCutOff,
  isZero,
} from './journal-frame.ts';

/** Why a journal is damaged. Caught where the directory is known. */
export class JournalDamage extends Error {
  override readonly name = 'JournalDamage';
}

export interface SegmentFile {
  /** 1, 2, 3 … in the order in which they were begun. */
  readonly number: number;
  readonly path: string;
}

export interface RecoveredFrame {
  readonly number: number;
  readonly segment: number;
  readonly operations: readonly WriteOperation[];
}

export interface RecoveredJournal {
  /** Those after `through`, in their order. */
  readonly frames: readonly RecoveredFrame[];
  /** The number of the last frame there ever was. */
  readonly lastFrame: number;
  /** The segment that was written last, and where its frames end. */
  readonly segment: number;
  readonly framesEnd: number;
  /** Nothing stands after the frames: the next one may be written there. */
  readonly isEndClean: boolean;
  /** The segment after it, where it is there and as it was made. */
  readonly spare: SegmentFile | undefined;
}

interface Segment extends SegmentFile {
  readonly bytes: Buffer;
}

/**
 * Reads `files`, whose numbers follow each other; the first is the one that the frame after `through` stands in, or
 * will. Frames up to `through` are in the store already. Throws JournalDamage.
 */
export function recoverJournal(files: readonly SegmentFile[], through: number): RecoveredJournal {
  const segments = files.map(readSegment);
  const used = Math.max(1, segments.findLastIndex((segment) => firstFrameOf(segment) !== undefined) + 1);
  const reader = new JournalReader(through);
  for (const [at, segment] of segments.slice(0, used - 1).entries()) {
    const follower = segments[at + 1];
    reader.readWhole(segment, (follower && firstFrameOf(follower)?.previousEnd) ?? 0);
  }
  const last = segments[used - 1];
  if (last === undefined) throw new JournalDamage('the journal has no segment');
  const end = reader.readLast(last);
  const unused = segments.slice(used);
  const areClean = unused.map((segment, at) => reader.checkUnused(segment, at === 0));
  const spare = areClean[0] === true ? unused[0] : undefined;
  return { ...reader.recovered(), ...end, segment: last.number, spare: spare && files[used] };
}

function readSegment(file: SegmentFile): Segment {
  const segment = { ...file, bytes: readFileSync(file.path) };
  const { length } = segment.bytes;
  if (length === 0 || length !== aligned(length)) throw damaged(segment, length, 'it was cut off');
  return segment;
}

function firstFrameOf({ bytes, number }: Segment): Frame | undefined {
  const frame = decodeFrame(bytes, 0);
  return frame?.segment === number ? frame : undefined;
}

class JournalReader {
  readonly #through: number;
  readonly #frames: RecoveredFrame[] = [];
  /** The number that the next frame must have; before the first one, the highest that it may have. */
  #next: number;
  #hasBegun = false;

  constructor(through: number) {
    this.#through = through;
    this.#next = through + 1;
  }

  /** A segment that another follows, which says where the frames of this one end. */
  readWhole(segment: Segment, end: number): void {
    const position = this.#readFrames(segment, end);
    if (position !== end) throw damaged(segment, position, 'a frame is damaged, and others follow');
  }

  readLast(segment: Segment): { framesEnd: number; isEndClean: boolean } {
    const framesEnd = this.#readFrames(segment, segment.bytes.length);
    return { framesEnd, isEndClean: this.#checkTail(segment, framesEnd) };
  }

  /** A segment that was prepared, and never used: only the next one may hold a part of a frame, and is not clean then. */
  checkUnused(segment: Segment, isNext: boolean): boolean {
    if (isNext) return this.#checkTail(segment, 0);
    if (isZero(segment.bytes, 0, segment.bytes.length)) return true;
    throw damaged(segment, 0, 'it was written, and the one before it is empty');
  }

  recovered(): { frames: readonly RecoveredFrame[]; lastFrame: number } {
    const lastFrame = this.#hasBegun ? this.#next - 1 : 0;
    if (lastFrame < this.#through) {
      throw new JournalDamage(`the journal ends at frame ${lastFrame}, and had ${this.#through}`);
    }
    return { frames: this.#frames, lastFrame };
  }

  /** Where the frames end: at `end`, or at the first that is not whole. */
  #readFrames(segment: Segment, end: number): number {
    let position = 0;
    while (position < end) {
      const frame = decodeFrame(segment.bytes, position);
      if (frame === undefined) break;
      this.#take(frame, segment, position);
      position += aligned(frame.bytes);
    }
    return position;
  }

  #take(frame: Frame, segment: Segment, position: number): void {
    const { number, operations } = frame;
    const isInPlace = this.#hasBegun ? number === this.#next : number <= this.#next;
    if (frame.segment !== segment.number || !isInPlace) {
      const what = `frame ${number} of segment ${frame.segment} stands where ${this.#next} should`;
      throw damaged(segment, position, what);
    }
    if (frame.segmentBytes !== segment.bytes.length) throw damaged(segment, position, 'it was cut off');
    this.#hasBegun = true;
    this.#next = number + 1;
    if (number > this.#through) this.#frames.push({ number, segment: segment.number, operations });
  }

  /** True when nothing was written there, false for a frame that a crash cut off. */
  #checkTail(segment: Segment, position: number): boolean {
    const { bytes } = segment;
    if (isZero(bytes, position, bytes.length)) return true;
    if (this.#next <= this.#through) {
      throw damaged(segment, position, `frame ${this.#next} is damaged, and was durable`);
    }
    for (let at = position + FRAME_ALIGNMENT_BYTES; at < bytes.length; at += FRAME_ALIGNMENT_BYTES) {
      if (decodeFrame(bytes, at)?.segment === segment.number) {
        throw damaged(segment, position, 'a frame is damaged, and others follow');
      }
    }
    if (isCutOff(bytes, position)) return false;
    throw damaged(segment, position, 'the last frame does not match its checksum');
  }
}

function damaged({ path }: SegmentFile, position: number, what: string): JournalDamage {
  return new JournalDamage(`${basename(path)}, byte ${position}: ${what}`);
}
