// The journal: what was written last, frame after frame, durable before it is acknowledged. One flush makes a frame
// durable, on blocks that the file has already: a fraction of what a transaction of LMDB costs. What the store has
// carried into LMDB since is not needed here any more, and its segments are used again.

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
  /** The segments that are needed, the one in use last. */
  readonly #files: SegmentFile[];
  /** In bytes, by number. */
  readonly #sizes = new Map<number, number>();
  /** Of zeros, to be used next. */
  #spare: SegmentFile | undefined;
  #preparation: Promise<void> | undefined;
  /** Not needed any more, to be made into the next spares: on a full disk their room is not to be had twice. */
  readonly #retired: SegmentFile[] = [];
  #descriptor: number | undefined;
  #sizeBytes = 0;
  /** Where the frames of the segment in use end. */
  #framesEnd: number;
  /** Nothing may be written after the frames: something that was never acknowledged stands there. */
  #isSpoiled: boolean;
  /** Where the frames of the segment before that one end. */
  #previousEnd = 0;
  #lastFrame: number;
  /** The one that the last frame stands in: the segment in use may have none yet. */
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

  /** What the segments that are needed take, the one in use counted as far as it is written. */
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
   * Writes one frame. `done` is called once, never inside the call, without an error when the frame is durable. After an
   * error nothing of it counts; the system's own, which tells whether there was no room. One at a time.
   */
  append(batches: Batches, done: (error: Error | undefined) => void): void {
    assert(!this.#isWriting, 'one frame is written at a time');
    this.#isWriting = true;
    const ended = (error: Error | undefined): void => {
      this.#isWriting = false;
      done(error);
    };
    const extent = frameExtent(batches.reduce((sum, operations) => sum + operationsBytes(operations), 0));
    if (!this.#isSpoiled && this.#framesEnd + extent <= this.#sizeBytes) {
      this.#write(batches, ended);
      return;
    }
    this.#rotate(extent).then(
      () => this.#write(batches, ended),
      (error: Error) => ended(error),
    );
  }

  /** Segments below `segment` are not needed any more. */
  release(segment: number): void {
    while (this.#files.length > 1 && (this.#files[0]?.number ?? segment) < segment) {
      const file = this.#files.shift();
      if (file === undefined) return;
      this.#sizes.delete(file.number);
      if (this.#retired.length < MAX_RETIRED_SEGMENTS) this.#retired.push(file);
      // One that stays is found when the store is opened, and removed then.
      else unlink(file.path, () => undefined);
    }
    this.#prepare();
  }

  /** Not while a frame is being written. */
  async close(): Promise<void> {
    assert(!this.#isWriting, 'a journal is closed between two frames');
    this.#isClosed = true;
    await this.#preparation;
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(batches: Batches, done: (error: Error | undefined) => void): void {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, 'a journal that was closed is not written');
    const number = this.#lastFrame + 1;
    const previousEnd = this.#framesEnd === 0 ? this.#previousEnd : 0;
    const segment = this.#current.number;
    const frame = encodeFrame({ number, segment, previousEnd, segmentBytes: this.#sizeBytes }, batches);
    const ended = (error: Error | null): void => {
      if (error === null) {
        this.#framesEnd += frame.length;
        this.#lastFrame = number;
        this.#lastSegment = segment;
      } else this.#isSpoiled = true;
      done(error ?? undefined);
    };
    try {
      // Into the system's cache: what takes time is the flush.
      for (let at = 0; at < frame.length; ) {
        at += writeSync(descriptor, frame, at, frame.length - at, this.#framesEnd + at);
      }
    } catch (error) {
      setImmediate(ended, error as Error);
      return;
    }
    fdatasync(descriptor, ended);
  }

  /** Goes over to a segment with room for `extent`. Rejects, and changes nothing, when it cannot be made. */
  async #rotate(extent: number): Promise<void> {
    // One segment is made at a time: all are made under the same name.
    this.#isRotating = true;
    try {
      await this.#preparation;
      await this.#goOver(extent);
    } finally {
      this.#isRotating = false;
    }
    this.#prepare();
  }

  async #goOver(extent: number): Promise<void> {
    const bytes = Math.max(extent, this.#segmentBytes);
    if (this.#framesEnd === 0) {
      // Nothing in it counts: it is made anew, under its number. Until that is open, the old one takes nothing.
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

  /** Throws, and changes nothing, when it cannot be opened. */
  #open({ path, number }: SegmentFile): void {
    const before = this.#descriptor;
    this.#descriptor = openSync(path, 'r+');
    this.#sizeBytes = fstatSync(this.#descriptor).size;
    this.#sizes.set(number, this.#sizeBytes);
    // Its frames are durable.
    if (before !== undefined) close(before, () => undefined);
  }

  /** Makes a spare in the background. Where that fails, whoever needs one tries again, and hears why. */
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
