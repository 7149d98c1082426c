// Reads the journal when a store is opened. A frame is begun only when the one before it is durable, so only
// the last frame may be torn by a crash. Every other deviation is damage, and stops the node (trap 29).
//
// A last frame with an unwritten sector (all zeros, as the segment was made) was never acknowledged, and is
// ignored. If every sector was written and the checksum does not match, the frame may have been acknowledged:
// that is damage.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { aligned, decodeFrame, FRAME_ALIGNMENT_BYTES, type Frame, isTorn, isZero } from './journal-frame.ts';

/** The reason why a journal is damaged. Caught where the directory is known. */
export class JournalDamage extends Error {
  override readonly name = 'JournalDamage';
}

export interface SegmentFile {
  /** Segments are numbered 1, 2, 3 … in the order in which they were begun. */
  readonly number: number;
  readonly path: string;
}

interface RecoveredFrame {
  readonly number: number;
  readonly segment: number;
  readonly operations: readonly WriteOperation[];
}

export interface RecoveredJournal {
  /** The frames after `through`, in their order. */
  readonly frames: readonly RecoveredFrame[];
  /** The number of the last frame, also if it is not after `through`. */
  readonly lastFrame: number;
  /** The segment that was written last, and where its frames end. */
  readonly segment: number;
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
 * `through` are in the store already. Throws JournalDamage.
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
  if (length === 0 || length !== aligned(length)) throw damaged(segment, length, 'it was truncated');
  return segment;
}

function firstFrameOf({ bytes, number }: Segment): Frame | undefined {
  const frame = decodeFrame(bytes, 0);
  return frame?.segment === number ? frame : undefined;
}

class JournalReader {
  readonly #through: number;
  readonly #frames: RecoveredFrame[] = [];
  /** The number that the next frame must have. For the first frame it is the highest that it may have. */
  #next: number;
  #hasBegun = false;

  constructor(through: number) {
    this.#through = through;
    this.#next = through + 1;
  }

  /** Reads a segment that another one follows; that one says where the frames of this one end. */
  readWhole(segment: Segment, end: number): void {
    const position = this.#readFrames(segment, end);
    if (position !== end) throw damaged(segment, position, 'a frame is damaged, and others follow it');
  }

  readLast(segment: Segment): { framesEnd: number; isEndClean: boolean } {
    const framesEnd = this.#readFrames(segment, segment.bytes.length);
    return { framesEnd, isEndClean: this.#checkTail(segment, framesEnd) };
  }

  /**
   * Returns whether a segment without frames is all zeros. Only the next one to be used may hold a torn
   * frame.
   */
  checkUnused(segment: Segment, isNext: boolean): boolean {
    if (isNext) return this.#checkTail(segment, 0);
    if (isZero(segment.bytes, 0, segment.bytes.length)) return true;
    throw damaged(segment, 0, 'it was written, and the segment before it is empty');
  }

  recovered(): { frames: readonly RecoveredFrame[]; lastFrame: number } {
    const lastFrame = this.#hasBegun ? this.#next - 1 : 0;
    if (lastFrame < this.#through) {
      throw new JournalDamage(`the journal ends at frame ${lastFrame}, and had ${this.#through}`);
    }
    return { frames: this.#frames, lastFrame };
  }

  /** Reads frames up to `end` or up to the first damaged one, and returns where they end. */
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
      const what = `frame ${number} of segment ${frame.segment} is where frame ${this.#next} should be`;
      throw damaged(segment, position, what);
    }
    if (frame.segmentBytes !== segment.bytes.length) throw damaged(segment, position, 'it was truncated');
    this.#hasBegun = true;
    this.#next = number + 1;
    if (number > this.#through) this.#frames.push({ number, segment: segment.number, operations });
  }

  /**
   * Returns true when nothing was written after the frames, false for a torn frame. Throws for a damaged one.
   */
  #checkTail(segment: Segment, position: number): boolean {
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

function damaged({ path }: SegmentFile, position: number, what: string): JournalDamage {
  return new JournalDamage(`${basename(path)}, byte ${position}: ${what}`);
}
