// Leaf pages of a tree that were found in the order of keys and are read in the order of the file. What is kept of each
// is where its keys must lie: from the separator that stands before it on, and before the one behind it.

import { assert } from '../../../../shared/assert.ts';
import type { CompareKeys } from '../lmdb/key-order.ts';

/** With more than this the leaves so far are read first: what is kept stays small, whatever the size of the file. */
const MAX_SEPARATOR_BYTES = 16 * 1024 * 1024;
const FIRST_SEPARATOR_BYTES = 64 * 1024;

export class PendingLeaves {
  readonly #compare: CompareKeys;
  readonly #maxSeparatorBytes: number;
  /** By page: the number of its leaf, in the order of keys from 0 on. */
  readonly #leafOf: Uint32Array;
  /** By leaf: its page. */
  readonly #pages: number[] = [];
  /** Separators end to end: that before leaf n lies from `#ends[n]` to `#ends[n + 1]`. */
  #separators: Uint8Array = new Uint8Array(FIRST_SEPARATOR_BYTES);
  /** Before the first leaf of a tree there is an empty one. */
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

  /** In the order of keys. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  get isFull(): boolean {
    return this.#separatorBytes >= this.#maxSeparatorBytes;
  }

  leafOf(page: number): number {
    return this.#leafOf[page] ?? 0;
  }

  /** After a separator, or as the first of its tree. */
  addLeaf(page: number): void {
    assert(this.#pages.length === this.#separatorCount - 1, 'a separator stands before every leaf');
    this.#leafOf[page] = this.#pages.length;
    this.#pages.push(page);
  }

  /** After a leaf. False when the separator is not above the one before. */
  addSeparator(bytes: Uint8Array, start: number, end: number): boolean {
    assert(this.#pages.length === this.#separatorCount, 'a leaf stands before every separator but the first');
    const [lastStart, lastEnd] = [this.#startOf(this.#separatorCount - 1), this.#separatorBytes];
    if (this.#compare(this.#separators, lastStart, lastEnd, bytes, start, end) >= 0) return false;
    this.#makeRoom(end - start);
    this.#separators.set(bytes.subarray(start, end), lastEnd);
    this.#ends.push(lastEnd + end - start);
    return true;
  }

  /** Whether the key is not below the separator that stands before the leaf. */
  isFromLeafOn(leaf: number, bytes: Uint8Array, start: number, end: number): boolean {
    const [low, lowEnd] = [this.#startOf(leaf), this.#startOf(leaf + 1)];
    return this.#compare(this.#separators, low, lowEnd, bytes, start, end) <= 0;
  }

  /** Whether the key is below the separator behind the leaf; behind the last one of the tree there is none. */
  isBeforeNextLeaf(leaf: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (leaf + 1 >= this.#separatorCount) return true;
    const [high, highEnd] = [this.#startOf(leaf + 1), this.#startOf(leaf + 2)];
    return this.#compare(bytes, start, end, this.#separators, high, highEnd) < 0;
  }

  /** After a separator, when all leaves were read: that separator stands before the leaf that comes next. */
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
