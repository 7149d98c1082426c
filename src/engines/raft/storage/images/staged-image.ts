// An image that comes in: a file beside the data file, written in order, flushed now and then so that no flush of
// anything else has much to wait for, and checked as a data file is at a start before anything is read from it.

import { writeSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { ImageStaging } from '../../node/ports/key-value-store.ts';
import { type RowCheck, verifyImage } from '../check/verify-data-file.ts';
import { flushNames } from '../journal/journal-segments.ts';
import {
  DATA_FILE_NAME,
  LOCK_SUFFIX,
  makeLockFile,
  openDatabase,
  STAGED_FILE_NAME,
} from '../lmdb/data-file.ts';
import { Damage } from '../lmdb/lmdb-page.ts';
import { LmdbStore } from '../lmdb/lmdb-store.ts';
import { runInSlices, type Steps } from '../steps.ts';
import { diskFull, storageFailed } from '../storage-errors.ts';

/**
 * Of one call to the system. Of a file that came in long ones twice as much counted as the process's memory on Linux 6.18, which
 * keeps in one piece what comes in one (docs/storage.md).
 */
const WRITE_BYTES = 64 * 1024;
/** A piece takes less than a tenth of a millisecond, mostly. */
const TURN_MS = 4;
/** Of one piece, a hundred times as long as it takes: others wait for the disk, or for a part of the processor. */
const SLOW_WRITE_MS = 10;
/** Written between two flushes. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** Steps of the check between two reports of progress. */
const STEPS_PER_REPORT = 32;

export interface StagedImageOptions {
  readonly directory: string;
  readonly sizeBytes: number;
  readonly checkRow: RowCheck | undefined;
  /** Whether the file system has so many bytes, and what it keeps back. */
  readonly hasRoom: (bytes: number) => boolean;
  readonly explainFailure: (cause: unknown, bytes: number) => CodedError;
  /** The file of the one before is gone. */
  readonly after: Promise<void>;
}

export class StagedImage implements ImageStaging {
  readonly #options: StagedImageOptions;
  readonly #path: string;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #unflushedBytes = 0;
  /** The system had a write wait for the disk. */
  #isSlow = false;
  /** What was asked for so far has ended. Never rejects. */
  #last: Promise<void>;
  #failure: Error | undefined;
  #tree: LmdbStore | undefined;
  /** The data file that this one took the place of. */
  #replaced: FileHandle | undefined;
  #isAdopting = false;
  #isGivenUp = false;

  constructor(options: StagedImageOptions) {
    this.#options = options;
    this.#path = join(options.directory, STAGED_FILE_NAME);
    this.#last = options.after;
  }

  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    this.#enqueue(() => this.#append(bytes), done);
  }

  finish(onProgress: () => void, done: (error: Error | undefined) => void): void {
    this.#enqueue(() => this.#finish(onProgress), done);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.tree.get(key);
  }

  /** Of the finished image. */
  get tree(): LmdbStore {
    assert(this.#tree !== undefined, 'an image is finished before it is used');
    return this.#tree;
  }

  /** It is not discarded from now on, until `endAdoption`. */
  beginAdoption(): void {
    assert(!this.#isGivenUp && !this.#isAdopting, 'an image is adopted once, and not after it was given up');
    this.#isAdopting = true;
  }

  /**
   * Puts the file in the place of the data file. When this resolves, a loss of power changes nothing any more. Rejects with
   * CodedError `storage_failed`: nobody knows then which of the two is there.
   */
  async becomeDataFile(): Promise<void> {
    const { directory } = this.#options;
    const dataPath = join(directory, DATA_FILE_NAME);
    try {
      // Freeing a large file takes long: whoever closes it last does that, and it is not to be LMDB in the event loop.
      this.#replaced = await open(dataPath, 'r');
      await closeTree(this.tree);
      this.#tree = undefined;
      await rename(this.#path, dataPath);
      // One that stays is removed when the store is opened.
      await rm(this.#path + LOCK_SUFFIX, { force: true });
      await flushNames(directory);
    } catch (cause) {
      throw storageFailed(directory, cause);
    }
  }

  endAdoption(): void {
    this.#isAdopting = false;
    void this.#replaced?.close().catch(() => undefined);
    this.#replaced = undefined;
  }

  discard(): void {
    if (this.#isAdopting || this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#last = this.#last.then(() => this.#remove());
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** When what was asked for has ended: after `discard` its files are gone. */
  get ended(): Promise<void> {
    return this.#last;
  }

  // -------------------------------------------------------------- one after the other

  #enqueue(run: () => Promise<void>, done: (error: Error | undefined) => void): void {
    assert(!this.#isGivenUp, 'an image that was given up is not put together');
    this.#last = this.#last.then(async () => {
      try {
        // What comes behind a failure is not written either: there would be a hole.
        if (this.#failure === undefined && !this.#isGivenUp) await run();
      } catch (error) {
        this.#failure =
          error instanceof Damage ? imageDamaged(error) : this.#options.explainFailure(error, 0);
      }
      if (!this.#isGivenUp) setImmediate(() => this.#isGivenUp || done(this.#failure));
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { directory, sizeBytes, hasRoom } = this.#options;
    if (!hasRoom(sizeBytes - this.#bytes)) throw diskFull(directory);
    this.#handle ??= await open(this.#path, 'w');
    // Of several that waited, each has a turn of its own.
    await nextTurn();
    let turnBegan = performance.now();
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
      const piece = bytes.subarray(at, at + WRITE_BYTES);
      if (this.#isSlow) await this.#writeByThread(this.#handle, piece, this.#bytes + at);
      else this.#write(this.#handle.fd, piece, this.#bytes + at);
      if (performance.now() - turnBegan < TURN_MS) continue;
      await nextTurn();
      turnBegan = performance.now();
    }
    this.#bytes += bytes.length;
    this.#unflushedBytes += bytes.length;
    if (this.#unflushedBytes < FLUSH_BYTES) return;
    await this.#handle.datasync();
    this.#unflushedBytes = 0;
  }

  /** Into the system's cache: what takes time is the flush, mostly. Where it took long once, threads wait from then on. */
  #write(descriptor: number, piece: Uint8Array, position: number): void {
    const begunAt = performance.now();
    for (let at = 0; at < piece.length; ) {
      at += writeSync(descriptor, piece, at, piece.length - at, position + at);
    }
    this.#isSlow = performance.now() - begunAt > SLOW_WRITE_MS;
  }

  async #writeByThread(handle: FileHandle, piece: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      at += (await handle.write(piece, at, piece.length - at, position + at)).bytesWritten;
    }
  }

  async #finish(onProgress: () => void): Promise<void> {
    const { directory, sizeBytes, checkRow } = this.#options;
    if (this.#handle === undefined || this.#bytes !== sizeBytes) throw new Damage('it is not whole');
    await this.#handle.sync();
    await this.#handle.close();
    this.#handle = undefined;
    await runInSlices(this.#check(checkRow, onProgress), () => !this.#isGivenUp);
    if (this.#isGivenUp) return;
    await makeLockFile(this.#path + LOCK_SUFFIX);
    if (this.#isGivenUp) return;
    this.#tree = new LmdbStore(directory, () => openDatabase(this.#path), { release: () => undefined });
  }

  *#check(checkRow: RowCheck | undefined, onProgress: () => void): Steps {
    let steps = 0;
    for (const _ of verifyImage(this.#path, checkRow)) {
      steps += 1;
      if (steps % STEPS_PER_REPORT === 0) onProgress();
      yield;
    }
  }

  async #remove(): Promise<void> {
    const handle = this.#handle;
    const tree = this.#tree;
    this.#handle = undefined;
    this.#tree = undefined;
    // What cannot be removed is removed when the store is opened, or written over by the next image.
    await handle?.close().catch(() => undefined);
    if (tree !== undefined) await closeTree(tree);
    for (const path of [this.#path, this.#path + LOCK_SUFFIX]) {
      await rm(path, { force: true }).catch(() => undefined);
    }
  }
}

function closeTree(tree: LmdbStore): Promise<void> {
  return new Promise((resolve) => tree.close(resolve));
}

function imageDamaged(cause: Damage): CodedError {
  return new CodedError(
    'image_damaged',
    `the image that came is not a store as it was written (${cause.message})`,
    {
      cause,
    },
  );
}
