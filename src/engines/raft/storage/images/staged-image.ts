// An incoming image: a file beside the data file, written in order and flushed at intervals, so that no other
// flush waits long. It is checked as a data file is at a start, before any row is read from it.

import { writeSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { ImageStaging } from '../../node/ports/key-value-store.ts';
import { type RowCheck, verifyImage } from '../check/verify-data-file.ts';
import { syncDirectoryInBackground } from '../data-directory.ts';
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
 * Bounds one write to the system. With longer writes a follower's mapped file takes twice the memory on Linux
 * 6.18: a peak of 330 MB instead of 240 under load (docs/storage.md).
 */
const WRITE_BYTES = 64 * 1024;
/** Bounds the writes of one turn of the event loop; one write mostly takes less than 0.1 ms. */
const TURN_MS = 4;
/** A write that took this long waited for the disk: the following ones are made by a thread. */
const SLOW_WRITE_MS = 10;
/** Bytes written between two flushes. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** Steps of the check between two reports of progress. */
const STEPS_PER_REPORT = 32;

interface StagedImageOptions {
  readonly directory: string;
  readonly sizeBytes: number;
  readonly checkRow: RowCheck | undefined;
  /** Returns whether the file system has so many bytes above its reserve. */
  readonly hasSpace: (bytes: number) => boolean;
  readonly explainFailure: (cause: unknown, bytes: number) => CodedError;
  /** Resolves when the file of the previous image is gone. */
  readonly after: Promise<void>;
}

export class StagedImage implements ImageStaging {
  readonly #options: StagedImageOptions;
  readonly #path: string;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #unflushedBytes = 0;
  /** The last write took SLOW_WRITE_MS or longer. */
  #isSlow = false;
  /** Resolves when all calls so far have ended. Never rejects. */
  #last: Promise<void>;
  #failure: Error | undefined;
  #tree: LmdbStore | undefined;
  /** The data file that this one replaced. */
  #replaced: FileHandle | undefined;
  #isAdopting = false;
  #isDiscarded = false;

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

  /** The store of the finished image. */
  get tree(): LmdbStore {
    assert(this.#tree !== undefined, 'an image is finished before it is used');
    return this.#tree;
  }

  /** Prevents that the image is discarded, until `endAdoption`. */
  beginAdoption(): void {
    assert(
      !this.#isDiscarded && !this.#isAdopting,
      'an image is adopted once, and not after it was discarded',
    );
    this.#isAdopting = true;
  }

  /**
   * Replaces the data file by the image's file, durably when this resolves. Rejects with CodedError
   * `storage_failed`: it is unknown then which of the two is the data file.
   */
  async becomeDataFile(): Promise<void> {
    const { directory } = this.#options;
    const dataPath = join(directory, DATA_FILE_NAME);
    try {
      // The last close of a deleted file frees its blocks, which takes long. This handle makes that a
      // thread's work: LMDB closes its file in the event loop.
      this.#replaced = await open(dataPath, 'r');
      await closeTree(this.tree);
      this.#tree = undefined;
      await rename(this.#path, dataPath);
      // A lock file that remains is removed when the store is opened.
      await rm(this.#path + LOCK_SUFFIX, { force: true });
      await syncDirectoryInBackground(directory);
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
    if (this.#isAdopting || this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#last = this.#last.then(() => this.#remove());
  }

  get isDiscarded(): boolean {
    return this.#isDiscarded;
  }

  /** Resolves when all calls so far have ended: after `discard`, when the files are gone. */
  get ended(): Promise<void> {
    return this.#last;
  }

  // -------------------------------------------------------------- one after the other

  #enqueue(run: () => Promise<void>, done: (error: Error | undefined) => void): void {
    assert(!this.#isDiscarded, 'a discarded image takes no calls');
    this.#last = this.#last.then(async () => {
      try {
        // After a failure nothing is written any more: the file would have a hole.
        if (this.#failure === undefined && !this.#isDiscarded) await run();
      } catch (error) {
        this.#failure =
          error instanceof Damage ? imageDamaged(error) : this.#options.explainFailure(error, 0);
      }
      if (!this.#isDiscarded) setImmediate(() => this.#isDiscarded || done(this.#failure));
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { directory, sizeBytes, hasSpace } = this.#options;
    if (!hasSpace(sizeBytes - this.#bytes)) throw diskFull(directory);
    this.#handle ??= await open(this.#path, 'w');
    // Several waiting chunks get a turn of the event loop each.
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

  /** Writes into the system's cache, which rarely blocks. A slow write makes the next one go by a thread. */
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
    if (this.#handle === undefined || this.#bytes !== sizeBytes) throw new Damage('it is incomplete');
    await this.#handle.sync();
    await this.#handle.close();
    this.#handle = undefined;
    await runInSlices(this.#check(checkRow, onProgress), () => !this.#isDiscarded);
    if (this.#isDiscarded) return;
    await makeLockFile(this.#path + LOCK_SUFFIX);
    if (this.#isDiscarded) return;
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
    // A file that cannot be removed now is removed when the store is opened, or overwritten by the next
    // image.
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
  return new CodedError('image_damaged', `the image that was received is damaged (${cause.message})`, {
    cause,
  });
}
