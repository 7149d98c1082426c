// Checks the rows of an image while it comes in, when the processor waits for the network and the disk, so that little is
// left to do when the last byte is there. What this finds is no word on the image: a page may be free, and hold anything.
// The check of the whole file passes over the rows that passed here.

import { crc32 } from '../codec/crc32.ts';
import { compareBytes } from './key-order.ts';
import { META_BYTES, NOT_ON_OVERFLOW, PageCursor, readMeta } from './lmdb-page.ts';
import type { RowCheck } from './verify-data-file.ts';

export class RowsOnArrival {
  readonly #sizeBytes: number;
  readonly #checkRow: RowCheck;
  #pageBytes = 0;
  /** By page: 1 when all that `hasPassed` promises was found, … */
  #passed: Uint8Array = new Uint8Array(0);
  /** … and the page's checksum as it came. */
  #checksums = new Uint32Array(0);
  #offset = 0;
  /** The beginning of a page whose end has not come. */
  #rest: Uint8Array = new Uint8Array(0);

  /** `sizeBytes`: of the whole image. */
  constructor(sizeBytes: number, checkRow: RowCheck) {
    this.#sizeBytes = sizeBytes;
    this.#checkRow = checkRow;
  }

  /** The bytes that follow those of the call before. Never throws: what is wrong is found in the whole file. */
  take(bytes: Uint8Array): void {
    if (this.#offset === 0) this.#begin(bytes);
    this.#offset += bytes.length;
    if (this.#pageBytes === 0) return;
    const pages = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const wholeBytes = pages.length - (pages.length % this.#pageBytes);
    const firstPage = (this.#offset - pages.length) / this.#pageBytes;
    const cursor = new PageCursor(pages, this.#pageBytes);
    for (let at = 0; at < wholeBytes; at += this.#pageBytes) {
      const page = firstPage + at / this.#pageBytes;
      if (!this.#isSound(cursor, page, at)) continue;
      this.#passed[page] = 1;
      this.#checksums[page] = crc32(pages.subarray(at, at + this.#pageBytes));
    }
    // A copy: the chunk's own bytes are somebody else's afterwards.
    this.#rest = Uint8Array.from(pages.subarray(wholeBytes));
  }

  /**
   * Whether the page is as it came, a leaf whose keys ascend and whose rows, none of which is on overflow pages, all pass the
   * check of rows. `bytes`: the page as it lies in the file now.
   */
  hasPassed(page: number, bytes: Uint8Array): boolean {
    return this.#passed[page] === 1 && this.#checksums[page] === crc32(bytes);
  }

  #begin(bytes: Uint8Array): void {
    if (bytes.length < META_BYTES) return;
    try {
      const { pageBytes } = readMeta(Buffer.from(bytes.buffer, bytes.byteOffset, META_BYTES), 0);
      this.#pageBytes = pageBytes;
      const pages = Math.ceil(this.#sizeBytes / pageBytes);
      this.#passed = new Uint8Array(pages);
      this.#checksums = new Uint32Array(pages);
    } catch {
      // No page is known then, and all are left for the check of the whole.
    }
  }

  #isSound(leaf: PageCursor, page: number, start: number): boolean {
    try {
      leaf.moveTo(page, start);
      if (leaf.isBranch) return false;
      for (let position = 0; position < leaf.records; position++) {
        const { keyStart: lastStart, keyEnd: lastEnd } = leaf;
        leaf.moveToLeafRecord(position);
        const { bytes, keyStart, keyEnd, dataEnd } = leaf;
        if (keyStart === keyEnd || leaf.overflowPage !== NOT_ON_OVERFLOW) return false;
        if (position > 0 && compareBytes(bytes, lastStart, lastEnd, bytes, keyStart, keyEnd) >= 0)
          return false;
        this.#checkRow({ bytes, keyStart, valueStart: keyEnd, valueEnd: dataEnd });
      }
      return true;
    } catch {
      return false;
    }
  }
}
