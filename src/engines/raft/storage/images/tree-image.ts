// An image of the store: a copy of the data file's two meta pages, and after them the pages of the live file.
// A held read transaction keeps LMDB from reusing any page that those meta pages reach. Other pages may be
// written meanwhile and be torn in the image; they are never read.

import { close, openSync, read } from 'node:fs';
import type { StoreImage } from '../../node/ports/key-value-store.ts';
import { DataFileReader } from '../lmdb/data-file-reader.ts';
import { META_BYTES, readMeta } from '../lmdb/lmdb-page.ts';
import type { LmdbSnapshot } from '../lmdb/lmdb-store.ts';

const META_PAGES = 2;

export class TreeImage implements StoreImage {
  readonly sizeBytes: number;
  readonly #snapshot: LmdbSnapshot;
  readonly #descriptor: number;
  readonly #metaPages: Buffer;
  /** The buffer for the next piece. New memory for each would make V8's collector run all the time. */
  #buffer = new Uint8Array(0);
  #readsUnderWay = 0;
  #isClosed = false;

  /**
   * Makes an image of the file at `path`, while no transaction is under way. `snapshot` is of the last
   * transaction or of one before, and belongs to the image from now on. Throws the system's error.
   */
  constructor(path: string, snapshot: LmdbSnapshot) {
    this.#snapshot = snapshot;
    this.#descriptor = openSync(path, 'r');
    const reader = new DataFileReader(this.#descriptor);
    const { pageBytes } = readMeta(reader.read(0, META_BYTES), 0);
    this.#metaPages = reader.read(0, META_PAGES * pageBytes);
    const [first, second] = [readMeta(this.#metaPages, 0), readMeta(this.#metaPages.subarray(pageBytes), 1)];
    const { lastPage } = first.transaction > second.transaction ? first : second;
    // The last pages may be free and never written: then the file ends before them.
    this.sizeBytes = Math.min((lastPage + 1) * pageBytes, reader.fileBytes);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#snapshot.get(key);
  }

  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    const bytes = this.#bufferFor(length);
    const readOn = (filled: number): void => {
      read(this.#descriptor, bytes, filled, length - filled, offset + filled, (error, count) => {
        if (error === null && count > 0 && filled + count < length && !this.#isClosed) {
          readOn(filled + count);
          return;
        }
        this.#readsUnderWay -= 1;
        this.#maybeRelease();
        if (this.#isClosed) return;
        bytes.set(this.#metaPages.subarray(offset, offset + length));
        const isCutOff = error === null && count === 0;
        done(isCutOff ? new Error('the data file is too short') : (error ?? undefined), bytes);
      });
    };
    this.#readsUnderWay += 1;
    readOn(0);
  }

  /** An abandoned read may still fill the buffer: then another one is returned. */
  #bufferFor(length: number): Uint8Array {
    if (this.#readsUnderWay > 0) return new Uint8Array(length);
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    return this.#buffer.subarray(0, length);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#snapshot.close();
    this.#maybeRelease();
  }

  /** Closes the descriptor once no thread reads from it any more. */
  #maybeRelease(): void {
    if (this.#isClosed && this.#readsUnderWay === 0) close(this.#descriptor, () => undefined);
  }
}
