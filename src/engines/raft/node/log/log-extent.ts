// The extent of the log on disk: its entries, its blocks, about how large they are, and how far to compact.
// It follows the writes that were issued, durable or not.

import { assert } from '../../../../shared/assert.ts';
import { type Entry, entrySizeBytes } from '../../core/entry.ts';
import type { RaftLimits } from '../options.ts';

/** Bound on the blocks that one compaction write deletes. */
const MAX_COMPACTED_BLOCKS = 2_048;

type CompactionLimits = Pick<RaftLimits, 'compactAfterEntries' | 'compactAfterBytes' | 'keepEntries'>;

/** The first and last entry of one block. */
export interface BlockExtent {
  readonly first: number;
  readonly last: number;
}

export class LogExtent {
  #first: number;
  #last: number;
  /** An estimate: truncated entries stay counted, and compacted ones count as of average size. */
  #bytes: number;
  /**
   * The first entry of each block.
   * Invariant: ascending. A block reaches to the next one, and the last block to the end of the log. The
   * first block holds the first entry, and may hold compacted entries before it. An empty log has no block.
   * `loadLog` and log-blocks.property.test.ts hold this.
   */
  readonly #starts: number[];

  /** Entries `first` to `last`, or none when `last` is below `first`. */
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

  /** Returns the block that holds entry `index`; undefined when the log does not have it. */
  blockOf(index: number): BlockExtent | undefined {
    if (index < this.#first || index > this.#last) return undefined;
    const after = this.#startsThrough(index);
    const first = this.#starts[after - 1];
    if (first === undefined) return undefined;
    return { first, last: (this.#starts[after] ?? this.#last + 1) - 1 };
  }

  /** Notes a new block at the end of the log. `entries` is not empty. */
  append(entries: readonly Entry[]): void {
    this.#starts.push(this.#last + 1);
    for (const entry of entries) {
      assert(entry.index === this.#last + 1, `entry ${entry.index} does not follow ${this.#last} on disk`);
      this.#last = entry.index;
      this.#bytes += entrySizeBytes(entry);
    }
  }

  /** Removes the entries from `index` on. Returns the first entries of the blocks to delete, in order. */
  truncateFrom(index: number): readonly number[] {
    assert(index >= this.#first, `entry ${index} is compacted and cannot be truncated`);
    // If the block begins before the log, only its compacted entries would stay, so it goes too.
    const kept = index === this.#first ? 0 : this.#startsThrough(index - 1);
    this.#last = Math.min(this.#last, index - 1);
    return this.#starts.splice(kept);
  }

  /** A snapshot that ends at `index` replaces all entries. */
  restartAfter(index: number): void {
    this.#first = index + 1;
    this.#last = index;
    this.#bytes = 0;
    this.#starts.length = 0;
  }

  /** Returns the last entry to compact now, at most `highest`. Undefined while the log is small enough. */
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
   * Removes the entries up to `index`. Returns the first entries of the blocks to delete: a block that holds
   * a later entry too stays whole.
   */
  compactThrough(index: number): readonly number[] {
    const gone = index - this.#first + 1;
    this.#bytes -= Math.floor((this.#bytes * gone) / this.count);
    this.#first = index + 1;
    const { length } = this.#starts;
    return this.#starts.splice(0, index >= this.#last ? length : this.#startsThrough(index + 1) - 1);
  }

  /** Counts the blocks that begin at or before `index`. */
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
