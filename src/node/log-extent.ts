// Which entries of the log stand on disk, about how large they are, and how far they should be compacted.

import { type Entry, entrySizeBytes } from '../raft/entry.ts';
import type { NodeLimits } from './options.ts';

/** Entries deleted by one compaction write. */
const MAX_COMPACTED_ENTRIES = 2_048;

export type CompactionLimits = Pick<NodeLimits, 'compactAfterEntries' | 'compactAfterBytes' | 'keepEntries'>;

export class LogExtent {
  #first: number;
  #last: number;
  /** An estimate: what was truncated is not taken off, what is compacted counts as of average size. */
  #bytes: number;

  /** Entries `first` to `last`; none when `last` is below `first`. */
  constructor(extent: { first: number; last: number; bytes: number }) {
    this.#first = extent.first;
    this.#last = extent.last;
    this.#bytes = extent.bytes;
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

  /** A write puts `entries` at the end of the log, which is at `last` then. */
  wrote(entries: readonly Entry[], last: number): void {
    for (const entry of entries) this.#bytes += entrySizeBytes(entry);
    this.#last = last;
  }

  /** A snapshot that ends at `index` takes the place of all that was here. */
  restartAfter(index: number): void {
    this.#first = index + 1;
    this.#last = index;
    this.#bytes = 0;
  }

  /** The last entry to compact now, never above `highest`. Undefined while the log is small enough. */
  compactionEnd(limits: CompactionLimits, highest: number): number | undefined {
    const { compactAfterEntries, compactAfterBytes, keepEntries } = limits;
    const isTooLarge = this.#bytes > compactAfterBytes;
    if (this.count <= compactAfterEntries && !isTooLarge) return undefined;
    const keep = isTooLarge ? Math.min(keepEntries, Math.floor(this.count / 2)) : keepEntries;
    const end = Math.min(highest, this.#last - keep, this.#first + MAX_COMPACTED_ENTRIES - 1);
    return end < this.#first ? undefined : end;
  }

  /** Entries up to `index` are deleted. */
  compactedThrough(index: number): void {
    const gone = index - this.#first + 1;
    this.#bytes -= Math.floor((this.#bytes * gone) / this.count);
    this.#first = index + 1;
  }
}
