// An incoming image: a file beside the data file, written in order and flushed at intervals, so that no other
// flush waits long. It is checked as a data file is at a start, before any row is read from it.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { ImageStaging } from '../../node/ports/key-value-store.ts';
import { type RowCheck, verifyImage } from '../check/verify-data-file.ts';
import { syncInBackground } from '../data-directory.ts';
import {
  DATA_FILE_NAME,
  LOCK_SUFFIX,
  makeLockFile,
  openDatabase,
  STAGED_FILE_NAME,
} from '../lmdb/data-file.ts';
import { Damage } from '../lmdb/lmdb-page.ts';
import { LmdbStore } from '../lmdb/lmdb-store.ts';
import { runInSlices } from '../steps.ts';
import { diskFull, storageFailed } from '../storage-errors.ts';

/**
 * Bounds one write to the system. With longer writes a follower's mapped file takes twice the memory on Linux
 * 6.18: a peak of 330 MB instead of 240 under load (docs/storage.md).
 */
const WRITE_BYTES = 64 * 1024;
/** Bytes written between two flushes. */
const FLUSH_BYTES = 16 * 1024 * 1024;

interface StagedImageOptions {
  readonly directory: string;
  readonly sizeBytes: number;
  readonly checkRow: RowCheck | undefined;
  /** The store beside the image. */
  readonly live: Pick<LmdbStore, 'explainFailure'> & {
    readonly freeSpace: Pick<LmdbStore['freeSpace'], 'hasSpaceBeside'>;
  };
  /** Resolves when the file of the previous image is gone. */
  readonly after: Promise<void>;
}

export class StagedImage implements ImageStaging {
  readonly #options: StagedImageOptions;
  readonly #path: string;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #unflushedBytes = 0;
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
    assert(!this.#isDiscarded && !this.#isAdopting, 'an image is adopted once, and not once it is discarded');
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
      await syncInBackground(directory);
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
        const { live } = this.#options;
        this.#failure = error instanceof Damage ? imageDamaged(error) : live.explainFailure(error, 0);
      }
      if (!this.#isDiscarded) setImmediate(() => this.#isDiscarded || done(this.#failure));
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { directory, sizeBytes, live } = this.#options;
    if (!live.freeSpace.hasSpaceBeside(sizeBytes - this.#bytes)) throw diskFull(directory);
    this.#handle ??= await open(this.#path, 'w');
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(WRITE_BYTES, bytes.length - at);
      at += (await this.#handle.write(bytes, at, length, this.#bytes + at)).bytesWritten;
    }
    this.#bytes += bytes.length;
    this.#unflushedBytes += bytes.length;
    if (this.#unflushedBytes < FLUSH_BYTES) return;
    await this.#handle.datasync();
    this.#unflushedBytes = 0;
  }

  async #finish(onProgress: () => void): Promise<void> {
    const { directory, sizeBytes, checkRow } = this.#options;
    if (this.#handle === undefined || this.#bytes !== sizeBytes) throw new Damage('it is incomplete');
    await this.#handle.sync();
    await this.#handle.close();
    this.#handle = undefined;
    await runInSlices(verifyImage(this.#path, checkRow), () => {
      if (!this.#isDiscarded) onProgress();
      return !this.#isDiscarded;
    });
    if (this.#isDiscarded) return;
    await makeLockFile(this.#path + LOCK_SUFFIX);
    if (this.#isDiscarded) return;
    this.#tree = new LmdbStore(directory, () => openDatabase(this.#path), { release: () => undefined });
  }

  async #remove(): Promise<void> {
    const handle = this.#handle;
    const tree = this.#tree;
    this.#handle = undefined;
    this.#tree = undefined;
    // A file that stays is removed when the store is opened, or overwritten by the next image.
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
