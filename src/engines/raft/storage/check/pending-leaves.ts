// The leaf pages of a tree, which are found in the order of keys and read in the order of the file. For each
// leaf the separators before and after it are kept: the leaf's keys must lie between them.

import { assert } from '../../../../shared/assert.ts';
import type { CompareKeys } from '../lmdb/key-order.ts';

/**
 * With more separators than this, the leaves found so far are read first. This bounds the memory for large
 * files.
 */
const MAX_SEPARATOR_BYTES = 16 * 1024 * 1024;
const FIRST_SEPARATOR_BYTES = 64 * 1024;

export class PendingLeaves {
  readonly #compare: CompareKeys;
  readonly #maxSeparatorBytes: number;
  /** For each page the number of its leaf; leaves are numbered from 0 on in the order of keys. */
  readonly #leafOf: Uint32Array;
  /** For each leaf its page. */
  readonly #pages: number[] = [];
  /** Separators end to end: the one before leaf n is from `#ends[n]` to `#ends[n + 1]`. */
  #separators: Uint8Array = new Uint8Array(FIRST_SEPARATOR_BYTES);
  /** The separator before the first leaf of a tree is empty. */
  #ends = [0, 0];

  constructor(
    pageCount: number,
    compare: CompareKeys,
    { maxSeparatorBytes = MAX_SEPARATOR_BYTES }: { maxSeparatorBytes?: number } = {},
  ) {
    this.#leafOf = new Uint32Array(pageCount);
    this.#compare = compare;
    this.#maxSeparatorBytes = maxSeparatorBytes;
  }

  /** The pages of the leaves, in the order of keys. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  get isFull(): boolean {
    return this.#separatorBytes >= this.#maxSeparatorBytes;
  }

  leafOf(page: number): number {
    return this.#leafOf[page] ?? 0;
  }

  /** Adds a leaf after a separator, or as the first one of its tree. */
  addLeaf(page: number): void {
    assert(this.#pages.length === this.#separatorCount - 1, 'a separator comes before every leaf');
    this.#leafOf[page] = this.#pages.length;
    this.#pages.push(page);
  }

  /** Adds a separator after a leaf. Returns false when it is not above the one before. */
  addSeparator(bytes: Uint8Array, start: number, end: number): boolean {
    assert(this.#pages.length === this.#separatorCount, 'a leaf comes before every separator but the first');
    const [lastStart, lastEnd] = [this.#startOf(this.#separatorCount - 1), this.#separatorBytes];
    if (this.#compare(this.#separators, lastStart, lastEnd, bytes, start, end) >= 0) return false;
    this.#makeRoom(end - start);
    this.#separators.set(bytes.subarray(start, end), lastEnd);
    this.#ends.push(lastEnd + end - start);
    return true;
  }

  /** Returns whether the key is not below the separator before the leaf. */
  isFromLeafOn(leaf: number, bytes: Uint8Array, start: number, end: number): boolean {
    const [low, lowEnd] = [this.#startOf(leaf), this.#startOf(leaf + 1)];
    return this.#compare(this.#separators, low, lowEnd, bytes, start, end) <= 0;
  }

  /** Returns whether the key is below the separator after the leaf. There is none after the last leaf. */
  isBeforeNextLeaf(leaf: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (leaf + 1 >= this.#separatorCount) return true;
    const [high, highEnd] = [this.#startOf(leaf + 1), this.#startOf(leaf + 2)];
    return this.#compare(bytes, start, end, this.#separators, high, highEnd) < 0;
  }

  /** Drops the leaves when all were read. The last separator stays: it comes before the next leaf. */
  clear(): void {
    const last = this.#startOf(this.#separatorCount - 1);
    this.#separators.copyWithin(0, last, this.#separatorBytes);
    this.#ends = [0, this.#separatorBytes - last];
    this.#pages.length = 0;
  }

  get #separatorCount(): number {
    return this.#ends.length - 1;
  }

  get #separatorBytes(): number {
    return this.#startOf(this.#separatorCount);
  }

  #startOf(separator: number): number {
    return this.#ends[separator] ?? 0;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#separatorBytes + bytes;
    if (needed <= this.#separators.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#separators.length));
    larger.set(this.#separators);
    this.#separators = larger;
  }
}
