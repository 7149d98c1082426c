// The leaf pages of a tree, which are found in the order of keys and read in the order of the file. For each
// leaf the separators before and after it are kept: the leaf's keys must lie between them.

import { assert } from '../../../../shared/assert.ts';
import type { CompareKeys } from '../lmdb/key-order.ts';

/**
 * With more separators than this, the leaves found so far are read first. This bounds the memory for large
 * files.
 */
const MAX_SEPARATOR_BYTES = 16 * 1024 * 1024;
/** The memory that a separator takes beside its bytes: an object, and a part of its branch page. */
const SEPARATOR_OVERHEAD_BYTES = 200;

/** A key inside a larger buffer: the one at a `PageCursor`. */
interface KeyInPage {
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
}

export class PendingLeaves {
  readonly #compare: CompareKeys;
  readonly #maxSeparatorBytes: number;
  /** For each page the number of its leaf; leaves are numbered from 0 on in the order of keys. */
  readonly #leafOf: Uint32Array;
  #leaves = 0;
  /** Separator n comes before leaf n. The one before the first leaf of a tree is empty. */
  #separators: Uint8Array[] = [new Uint8Array(0)];
  #separatorBytes = 0;

  constructor(
    pageCount: number,
    { compare, maxSeparatorBytes }: { compare: CompareKeys; maxSeparatorBytes?: number },
  ) {
    this.#leafOf = new Uint32Array(pageCount);
    this.#compare = compare;
    this.#maxSeparatorBytes = maxSeparatorBytes ?? MAX_SEPARATOR_BYTES;
  }

  get isFull(): boolean {
    return this.#separatorBytes >= this.#maxSeparatorBytes;
  }

  leafOf(page: number): number {
    return this.#leafOf[page] ?? 0;
  }

  /** Adds a leaf after a separator, or as the first one of its tree. */
  addLeaf(page: number): void {
    assert(this.#leaves === this.#separators.length - 1, 'a separator comes before every leaf');
    this.#leafOf[page] = this.#leaves;
    this.#leaves += 1;
  }

  /**
   * Adds a separator after a leaf. Returns false when it is not above the one before. Its bytes must not
   * change until the leaves are dropped.
   */
  addSeparator(key: KeyInPage): boolean {
    assert(this.#leaves === this.#separators.length, 'a leaf comes before every separator but the first');
    if (this.#compareSeparator(this.#leaves - 1, key) >= 0) return false;
    const { bytes, keyStart, keyEnd } = key;
    this.#separators.push(bytes.subarray(keyStart, keyEnd));
    this.#separatorBytes += keyEnd - keyStart + SEPARATOR_OVERHEAD_BYTES;
    return true;
  }

  /** Returns whether the key is between the separators of the leaf. There is none after the last leaf. */
  isWithin(leaf: number, key: KeyInPage): boolean {
    if (this.#compareSeparator(leaf, key) > 0) return false;
    return leaf + 1 >= this.#separators.length || this.#compareSeparator(leaf + 1, key) > 0;
  }

  /** Drops the leaves when all were read. The last separator stays: it comes before the next leaf. */
  clear(): void {
    this.#separators = this.#separators.slice(-1);
    this.#separatorBytes = 0;
    this.#leaves = 0;
  }

  #compareSeparator(number: number, { bytes, keyStart, keyEnd }: KeyInPage): number {
    const separator = this.#separators[number];
    assert(separator !== undefined, 'a leaf has a separator before it');
    return this.#compare(separator, 0, separator.length, bytes, keyStart, keyEnd);
  }
}
