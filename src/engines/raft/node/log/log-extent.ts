// Which entries of the log stand on disk, in which blocks, about how large they are, and how far they should be
// compacted: as the writes leave it that were issued, durable or not.

import { assert } from '../../../../shared/assert.ts';
import { type Entry, entrySizeBytes } from '../../core/entry.ts';
import type { RaftLimits } from '../options.ts';

/** Blocks deleted by one compaction write. */
const MAX_COMPACTED_BLOCKS = 2_048;

export type CompactionLimits = Pick<RaftLimits, 'compactAfterEntries' | 'compactAfterBytes' | 'keepEntries'>;

/** The entries of one block, both included. */
export interface BlockExtent {
  readonly first: number;
  readonly last: number;
}

export class LogExtent {
  #first: number;
  #last: number;
  /** An estimate: what was truncated is not taken off, what is compacted counts as of average size. */
  #bytes: number;
  /**
   * The first entry of each block. Invariant: ascending; a block reaches to where the next one begins, and the last to
   * the end of the log. The first block holds the first entry, and may hold compacted ones before it; an empty log has
   * no block. `loadLog` and the property test of log-blocks hold it.
   */
  readonly #starts: number[];

  /** Entries `first` to `last`; none when `last` is below `first`. */
  constructor(extent: { first: number; last: number; bytes: number; blockStarts: readonly number[] }) {
    this.#first = extent.first;
    this.#last = extent.last;
    this.#bytes = extent.bytes;
    this.#starts = [...extent.blockStarts];
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  get count(): number {
    return this.#last - this.#first + 1;
  }

  /** The block that holds entry `index`; undefined when the log does not have it. */
  blockOf(index: number): BlockExtent | undefined {
    if (index < this.#first || index > this.#last) return undefined;
    const after = this.#startsThrough(index);
    const first = this.#starts[after - 1];
    if (first === undefined) return undefined;
    return { first, last: (this.#starts[after] ?? this.#last + 1) - 1 };
  }

  /** A block of `entries`, which are some, is put at the end of the log. */
  append(entries: readonly Entry[]): void {
    this.#starts.push(this.#last + 1);
    for (const entry of entries) {
      assert(entry.index === this.#last + 1, `entry ${entry.index} does not follow ${this.#last} on disk`);
      this.#last = entry.index;
      this.#bytes += entrySizeBytes(entry);
    }
  }

  /** Entries from `index` on are gone. Returns where the blocks began that are deleted, in order. */
  truncateFrom(index: number): readonly number[] {
    assert(index >= this.#first, `entry ${index} is compacted and cannot be truncated`);
    // Of a block that begins before the log does only what is compacted would stay.
    const kept = index === this.#first ? 0 : this.#startsThrough(index - 1);
    this.#last = Math.min(this.#last, index - 1);
    return this.#starts.splice(kept);
  }

  /** A snapshot that ends at `index` takes the place of all that was here. */
  restartAfter(index: number): void {
    this.#first = index + 1;
    this.#last = index;
    this.#bytes = 0;
    this.#starts.length = 0;
  }

  /** The last entry to compact now, never above `highest`. Undefined while the log is small enough. */
  compactionEnd(limits: CompactionLimits, highest: number): number | undefined {
    const { compactAfterEntries, compactAfterBytes, keepEntries } = limits;
    const isTooLarge = this.#bytes > compactAfterBytes;
    if (this.count <= compactAfterEntries && !isTooLarge) return undefined;
    const keep = isTooLarge ? Math.min(keepEntries, Math.floor(this.count / 2)) : keepEntries;
    const endOfBlocks = (this.#starts[MAX_COMPACTED_BLOCKS] ?? Number.POSITIVE_INFINITY) - 1;
    const end = Math.min(highest, this.#last - keep, endOfBlocks);
    return end < this.#first ? undefined : end;
  }

  /**
   * Entries up to `index` are compacted. Returns where the blocks began that hold no other entry and are deleted: the
   * one that holds the entry after `index` too stays whole.
   */
  compactThrough(index: number): readonly number[] {
    const gone = index - this.#first + 1;
    this.#bytes -= Math.floor((this.#bytes * gone) / this.count);
    this.#first = index + 1;
    const { length } = this.#starts;
    return this.#starts.splice(0, index >= this.#last ? length : this.#startsThrough(index + 1) - 1);
  }

  /** How many blocks begin at or before `index`. */
  #startsThrough(index: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
