// The journal: the latest writes, frame after frame, durable before they are acknowledged. One flush makes a
// frame durable in blocks that the file already has, which costs a fraction of a transaction of LMDB.
// Segments whose rows are in LMDB are released and reused.

import { close, closeSync, fdatasync, fstatSync, openSync, statSync, unlink, writeSync } from 'node:fs';
import { assert } from '../../../../shared/assert.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { encodeFrame, frameExtent, operationsBytes } from './journal-frame.ts';
import type { RecoveredJournal, SegmentFile } from './journal-recovery.ts';
import { growSegment, makeSegment } from './journal-segments.ts';

/** The operations of one frame. */
export type Batches = readonly (readonly WriteOperation[])[];

const MAX_RETIRED_SEGMENTS = 3;

export interface JournalPosition {
  readonly frame: number;
  readonly segment: number;
}

export class Journal {
  readonly #directory: string;
  readonly #segmentBytes: number;
  /** The segments that are needed; the last one is in use. */
  readonly #files: SegmentFile[];
  /** Sizes in bytes, by segment number. */
  readonly #sizes = new Map<number, number>();
  /** A segment of zeros that is used next. */
  #spare: SegmentFile | undefined;
  #preparation: Promise<void> | undefined;
  /**
   * Released segments, which become the next spares: on a full disk their space could not be allocated again.
   */
  readonly #retired: SegmentFile[] = [];
  #descriptor: number | undefined;
  #sizeBytes = 0;
  /** Where the frames of the segment in use end. */
  #framesEnd: number;
  /** Bytes that were never acknowledged follow the frames: the next frame needs another segment. */
  #isSpoiled: boolean;
  /** Where the frames of the segment before that one end. */
  #previousEnd = 0;
  #lastFrame: number;
  /** The segment of the last frame: the segment in use may have no frame yet. */
  #lastSegment: number;
  #isRotating = false;
  #isWriting = false;
  #isClosed = false;

  /** `files` are the segments up to the one that `recovered` ends in. */
  constructor(
    directory: string,
    {
      files,
      recovered,
      segmentBytes,
    }: { files: readonly SegmentFile[]; recovered: RecoveredJournal; segmentBytes: number },
  ) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#files = [...files];
    for (const { number, path } of files) this.#sizes.set(number, statSync(path).size);
    this.#spare = recovered.spare;
    this.#framesEnd = recovered.framesEnd;
    this.#isSpoiled = !recovered.isEndClean;
    this.#lastFrame = recovered.lastFrame;
    this.#lastSegment = recovered.segment;
    this.#open(this.#current);
    this.#prepare();
  }

  /** The size of the needed segments. The one in use counts as far as it is written. */
  get neededBytes(): number {
    let bytes = this.#framesEnd;
    for (const { number } of this.#files) {
      if (number !== this.#current.number) bytes += this.#sizes.get(number) ?? 0;
    }
    return bytes;
  }

  /** The last frame that was written. */
  get position(): JournalPosition {
    return { frame: this.#lastFrame, segment: this.#lastSegment };
  }

  get #current(): SegmentFile {
    const file = this.#files.at(-1);
    assert(file !== undefined, 'a journal always has a segment');
    return file;
  }

  /**
   * Writes one frame; one at a time. Calls `done` once, never inside the call: without an error when the
   * frame is durable, or with the system's error, and then the frame does not count.
   */
  append(batches: Batches, done: (error: Error | undefined) => void): void {
    assert(!this.#isWriting, 'one frame is written at a time');
    this.#isWriting = true;
    const onEnd = (error: Error | undefined): void => {
      this.#isWriting = false;
      done(error);
    };
    const extent = frameExtent(batches.reduce((sum, operations) => sum + operationsBytes(operations), 0));
    if (!this.#isSpoiled && this.#framesEnd + extent <= this.#sizeBytes) {
      this.#write(batches, onEnd);
      return;
    }
    this.#rotate(extent).then(
      () => this.#write(batches, onEnd),
      (error: Error) => onEnd(error),
    );
  }

  /** Releases the segments below `segment`. */
  release(segment: number): void {
    while (this.#files.length > 1 && (this.#files[0]?.number ?? segment) < segment) {
      const file = this.#files.shift();
      if (file === undefined) return;
      this.#sizes.delete(file.number);
      if (this.#retired.length < MAX_RETIRED_SEGMENTS) this.#retired.push(file);
      // A segment that remains is removed when the store is opened.
      else unlink(file.path, () => undefined);
    }
    this.#prepare();
  }

  async close(): Promise<void> {
    assert(!this.#isWriting, 'a journal is closed between two frames');
    this.#isClosed = true;
    await this.#preparation;
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(batches: Batches, done: (error: Error | undefined) => void): void {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, 'a closed journal takes no frames');
    const number = this.#lastFrame + 1;
    const previousEnd = this.#framesEnd === 0 ? this.#previousEnd : 0;
    const segment = this.#current.number;
    const frame = encodeFrame({ number, segment, previousEnd, segmentBytes: this.#sizeBytes }, batches);
    const onFlush = (error: Error | null): void => {
      if (error === null) {
        this.#framesEnd += frame.length;
        this.#lastFrame = number;
        this.#lastSegment = segment;
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
      await this.#switchSegment(extent);
    } finally {
      this.#isRotating = false;
    }
    this.#prepare();
  }

  async #switchSegment(extent: number): Promise<void> {
    const bytes = Math.max(extent, this.#segmentBytes);
    if (this.#framesEnd === 0) {
      // The segment has no frame: it is made anew under its number. Until the new one is open, the old one
      // takes no frame.
      this.#isSpoiled = true;
      await makeSegment(this.#directory, { number: this.#current.number, bytes, isGentle: false });
      this.#open(this.#current);
    } else {
      const number = this.#current.number + 1;
      const next = this.#spare ?? (await this.#make(number, { bytes, isGentle: false }));
      this.#spare = next;
      await growSegment(next, bytes);
      this.#open(next);
      this.#spare = undefined;
      this.#files.push(next);
      this.#previousEnd = this.#framesEnd;
      this.#framesEnd = 0;
    }
    this.#isSpoiled = false;
  }

  /** Opens the segment in use. Throws and changes nothing when it cannot be opened. */
  #open({ path, number }: SegmentFile): void {
    const before = this.#descriptor;
    this.#descriptor = openSync(path, 'r+');
    this.#sizeBytes = fstatSync(this.#descriptor).size;
    this.#sizes.set(number, this.#sizeBytes);
    // The frames of the old segment are durable.
    if (before !== undefined) close(before, () => undefined);
  }

  /**
   * Makes a spare in the background. If that fails, the rotation that needs one tries again and reports the
   * error.
   */
  #prepare(): void {
    if (this.#spare !== undefined || this.#preparation !== undefined || this.#isRotating || this.#isClosed)
      return;
    const number = this.#current.number + 1;
    this.#preparation = this.#make(number, { bytes: this.#segmentBytes, isGentle: true })
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
