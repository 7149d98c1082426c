// The journal: the latest writes, frame after frame, durable before they are acknowledged. One flush makes a
// frame durable in blocks that the file already has, which costs a fraction of a transaction of LMDB.
// Segments whose rows are in LMDB are released and reused.

import { close, closeSync, fdatasync, fstatSync, openSync, statSync, unlink, writeSync } from 'node:fs';
import { assert } from '../../../../shared/assert.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { encodeFrame, frameExtent } from './journal-frame.ts';
import type { RecoveredJournal } from './journal-recovery.ts';
import { growSegment, makeSegment, type SegmentFile } from './journal-segments.ts';

const MAX_RETIRED_SEGMENTS = 3;

export interface JournalPosition {
  readonly frame: number;
  readonly segment: number;
}

interface NeededSegment extends SegmentFile {
  bytes: number;
}

export class Journal {
  readonly #directory: string;
  readonly #segmentBytes: number;
  /** The segments that are needed; the last one is in use. */
  readonly #segments: NeededSegment[];
  /** A segment of zeros that is used next. */
  #spare: SegmentFile | undefined;
  #preparation: Promise<void> | undefined;
  /** Released segments, which become spares: on a full disk their space could not be allocated again. */
  readonly #retired: SegmentFile[] = [];
  #descriptor: number | undefined;
  /** Where the frames of the segment in use end. */
  #framesEnd: number;
  /** Bytes that were never acknowledged follow the frames: the next frame needs another segment. */
  #isSpoiled: boolean;
  /** Where the frames of the segment before that one end. */
  #previousEnd = 0;
  #position: JournalPosition;
  #isRotating = false;
  #isWriting = false;

  constructor(directory: string, recovered: RecoveredJournal, segmentBytes: number) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#segments = recovered.files.map((file) => ({ ...file, bytes: statSync(file.path).size }));
    this.#spare = recovered.spare;
    this.#framesEnd = recovered.framesEnd;
    this.#isSpoiled = !recovered.isEndClean;
    this.#position = { frame: recovered.lastFrame, segment: this.#current.number };
    this.#open(this.#current);
    this.#prepare();
  }

  /** The size of the needed segments. The one in use counts as far as it is written. */
  get neededBytes(): number {
    let needed = this.#framesEnd - this.#current.bytes;
    for (const { bytes } of this.#segments) needed += bytes;
    return needed;
  }

  /** The last frame that was written, and its segment: the segment in use may have no frame yet. */
  get position(): JournalPosition {
    return this.#position;
  }

  get #current(): NeededSegment {
    const segment = this.#segments.at(-1);
    assert(segment !== undefined, 'a journal always has a segment');
    return segment;
  }

  /**
   * Writes one frame; one at a time. Calls `done` once, never inside the call: without an error when the
   * frame is durable, or with the system's error, and then the frame does not count.
   */
  append(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    assert(!this.#isWriting, 'one frame is written at a time');
    this.#isWriting = true;
    const onEnd = (error: Error | undefined): void => {
      this.#isWriting = false;
      done(error);
    };
    const extent = frameExtent(operations);
    if (!this.#isSpoiled && this.#framesEnd + extent <= this.#current.bytes) this.#write(operations, onEnd);
    else this.#rotate(extent).then(() => this.#write(operations, onEnd), onEnd);
  }

  /** Releases the segments below `segment`, which is the one in use or before it. */
  release(segment: number): void {
    const released = this.#segments.findIndex(({ number }) => number >= segment);
    for (const file of this.#segments.splice(0, released)) {
      if (this.#retired.length < MAX_RETIRED_SEGMENTS) this.#retired.push(file);
      // A segment that remains is removed when the store is opened.
      else unlink(file.path, () => undefined);
    }
    this.#prepare();
  }

  /** Call when nothing more is appended or released. */
  async close(): Promise<void> {
    assert(!this.#isWriting, 'a journal is closed between two frames');
    await this.#preparation;
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, 'a closed journal takes no frames');
    const number = this.#position.frame + 1;
    const previousEnd = this.#framesEnd === 0 ? this.#previousEnd : 0;
    const { number: segment, bytes: segmentBytes } = this.#current;
    const frame = encodeFrame({ number, segment, previousEnd, segmentBytes }, operations);
    const onFlush = (error: Error | null): void => {
      if (error === null) {
        this.#framesEnd += frame.length;
        this.#position = { frame: number, segment };
      } else this.#isSpoiled = true;
      done(error ?? undefined);
    };
    try {
      // This fills the system's cache; the time goes into the flush.
      for (let at = 0; at < frame.length; ) {
        at += writeSync(descriptor, frame, at, frame.length - at, this.#framesEnd + at);
      }
    } catch (error) {
      setImmediate(onFlush, error as Error);
      return;
    }
    fdatasync(descriptor, onFlush);
  }

  /** Switches to a segment with `extent` bytes free. Rejects and changes nothing when it cannot be made. */
  async #rotate(extent: number): Promise<void> {
    // All segments are made under one name, so one is made at a time.
    this.#isRotating = true;
    try {
      await this.#preparation;
      await this.#switchSegment(Math.max(extent, this.#segmentBytes));
    } finally {
      this.#isRotating = false;
    }
    this.#prepare();
  }

  async #switchSegment(bytes: number): Promise<void> {
    const { number } = this.#current;
    if (this.#framesEnd === 0) {
      // The segment has no frame: it is made anew under its number. Until the new one is open, the old one
      // takes no frame.
      this.#isSpoiled = true;
      await makeSegment(this.#directory, { number, bytes, isGentle: false });
      this.#open(this.#current);
    } else {
      this.#spare ??= await this.#make(number + 1, { bytes, isGentle: false });
      await growSegment(this.#spare, bytes);
      const next = { ...this.#spare, bytes };
      this.#open(next);
      this.#spare = undefined;
      this.#segments.push(next);
      this.#previousEnd = this.#framesEnd;
      this.#framesEnd = 0;
    }
    this.#isSpoiled = false;
  }

  /** Opens a segment for frames. Throws and changes nothing when it cannot be opened. */
  #open(segment: NeededSegment): void {
    const before = this.#descriptor;
    this.#descriptor = openSync(segment.path, 'r+');
    segment.bytes = fstatSync(this.#descriptor).size;
    // The frames of the old segment are durable.
    if (before !== undefined) close(before, () => undefined);
  }

  /** Makes a spare in the background. If that fails, the rotation that needs one reports the error. */
  #prepare(): void {
    if (this.#spare !== undefined || this.#preparation !== undefined || this.#isRotating) return;
    this.#preparation = this.#make(this.#current.number + 1, { bytes: this.#segmentBytes, isGentle: true })
      .then((file) => {
        this.#spare = file;
      })
      .catch(() => undefined)
      .finally(() => {
        this.#preparation = undefined;
      });
  }

  #make(number: number, options: { bytes: number; isGentle: boolean }): Promise<SegmentFile> {
    return makeSegment(this.#directory, { number, ...options, from: this.#retired.shift() });
  }
}
