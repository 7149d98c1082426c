// The replicated log: a window of recent entries in memory over what is on disk.

import { assert, present } from '../../../shared/assert.ts';
import { type Entry, entrySizeBytes, type LogPosition } from './entry.ts';

/** The part of the log that is on disk. Only asked for indexes that are durable and not compacted. */
export interface LogReader {
  term(index: number): number;
  /** Entries `from` ≤ index < `to`, at least one, then as many as fit in `maxBytes`. */
  entries(from: number, to: number, maxBytes: number): readonly Entry[];
}

/** What one disk write must do to the log. */
export interface LogWrite {
  readonly entries: readonly Entry[];
  /** Indexes first..last are on disk and must go; entries of this same write win over it. */
  readonly remove: { readonly first: number; readonly last: number } | undefined;
}

/** Memory for entries that are durable and applied already, kept for followers that are a little behind. */
export const MAX_CACHED_BYTES = 512 * 1024;

/** Entries that one search for the meeting point of two logs looks at. */
export const MAX_BACK_OFF_STEPS = 1_024;

export class RaftLog {
  readonly #reader: LogReader;
  /** The last compacted entry: {0, 0} at the beginning. */
  #start: LogPosition;
  /** Entries windowStart..lastIndex. Invariant: holds every entry that is not durable. */
  #window: Entry[] = [];
  #windowStart: number;
  #windowBytes = 0;
  /** Entries up to here have been handed to a disk write. */
  #writtenThrough: number;
  /** The highest index that may stand on disk. */
  #diskLast: number;
  /** What the disk write that is under way will have made durable, less what was truncated since. */
  #writeUnderWayThrough: number | undefined;
  #durableIndex: number;

  /** The log as it is on disk: entries after `start` up to `lastIndex`. */
  constructor(reader: LogReader, start: LogPosition, lastIndex: number) {
    assert(lastIndex >= start.index, 'a log cannot end before it starts');
    this.#reader = reader;
    this.#start = start;
    this.#windowStart = lastIndex + 1;
    this.#writtenThrough = lastIndex;
    this.#diskLast = lastIndex;
    this.#durableIndex = lastIndex;
  }

  get start(): LogPosition {
    return this.#start;
  }

  get lastIndex(): number {
    return this.#windowStart + this.#window.length - 1;
  }

  get lastTerm(): number {
    return present(this.term(this.lastIndex), 'the last entry always has a term');
  }

  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** Undefined for what is compacted (but for the start itself) and for what is not there yet. */
  term(index: number): number | undefined {
    if (index === this.#start.index) return this.#start.term;
    if (index < this.#start.index || index > this.lastIndex) return undefined;
    if (index >= this.#windowStart) return this.#inWindow(index).term;
    return this.#reader.term(index);
  }

  /** Entries from `from` to the end, at least one and at most about `maxBytes`. `from` must not be compacted. */
  entries(from: number, maxBytes: number, to = this.lastIndex + 1): readonly Entry[] {
    assert(from > this.#start.index, `entry ${from} is compacted`);
    assert(to <= this.lastIndex + 1, `entry ${to - 1} is beyond the log`);
    if (from >= to) return [];
    if (from < this.#windowStart) {
      return this.#reader.entries(from, Math.min(to, this.#windowStart), maxBytes);
    }
    const first = from - this.#windowStart;
    const limit = to - this.#windowStart;
    let end = first;
    let bytes = 0;
    while (end < limit) {
      bytes += entrySizeBytes(this.#inWindow(this.#windowStart + end));
      if (end > first && bytes > maxBytes) break;
      end += 1;
    }
    return this.#window.slice(first, end);
  }

  /** §5.4.1: the later term wins, then the longer log. One comparison, not two. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} does not follow ${this.lastIndex}`);
      assert(entry.term >= this.lastTerm, 'terms never decrease along the log');
      this.#window.push(entry);
      this.#windowBytes += entrySizeBytes(entry);
    }
  }

  /** Drops entries `from`.. that conflict with the leader's. The caller has made sure that none is committed. */
  truncateFrom(from: number): void {
    assert(from > this.#start.index, 'the log is never truncated into what was compacted');
    if (from < this.#windowStart) {
      this.#window = [];
      this.#windowStart = from;
      this.#windowBytes = 0;
    } else {
      for (const entry of this.#window.splice(from - this.#windowStart)) {
        this.#windowBytes -= entrySizeBytes(entry);
      }
    }
    this.#writtenThrough = Math.min(this.#writtenThrough, from - 1);
    this.#durableIndex = Math.min(this.#durableIndex, from - 1);
    if (this.#writeUnderWayThrough !== undefined) {
      this.#writeUnderWayThrough = Math.min(this.#writeUnderWayThrough, from - 1);
    }
  }

  /** Forgets entries up to `position`, which is applied and recorded in the state. */
  compactTo(position: LogPosition): void {
    assert(this.term(position.index) === position.term, 'only an entry that is there can become the start');
    assert(position.index <= this.#durableIndex, 'only durable entries are compacted');
    this.#start = position;
    this.#evictThrough(position.index);
  }

  /** Forgets everything: the state was replaced by a snapshot that ends at `position` (§7). */
  restore(position: LogPosition): void {
    this.#start = position;
    this.#window = [];
    this.#windowBytes = 0;
    this.#windowStart = position.index + 1;
    this.#writtenThrough = position.index;
    this.#durableIndex = position.index;
    this.#writeUnderWayThrough = undefined;
  }

  hasUnwritten(): boolean {
    return this.#writtenThrough < this.lastIndex || this.#diskLast > this.lastIndex;
  }

  /** What the next disk write must do. The write is then under way until `writeDurable`. */
  takeWrite(): LogWrite {
    const unwritten = this.#window.slice(Math.max(0, this.#writtenThrough + 1 - this.#windowStart));
    const remove =
      this.#diskLast > this.lastIndex ? { first: this.lastIndex + 1, last: this.#diskLast } : undefined;
    this.#writtenThrough = this.lastIndex;
    this.#diskLast = this.lastIndex;
    this.#writeUnderWayThrough = this.lastIndex;
    return { entries: unwritten, remove };
  }

  /** The write under way is durable. Returns the last index that it made so. */
  writeDurable(): number {
    if (this.#writeUnderWayThrough !== undefined) {
      this.#durableIndex = Math.max(this.#durableIndex, this.#writeUnderWayThrough);
      this.#writeUnderWayThrough = undefined;
    }
    return this.#durableIndex;
  }

  /** Lets go of cached entries up to `appliedIndex` where the cache is over its bound. */
  trimCache(appliedIndex: number): void {
    if (this.#windowBytes <= MAX_CACHED_BYTES) return;
    const limit = Math.min(appliedIndex, this.#durableIndex);
    let bytes = this.#windowBytes;
    let through = this.#windowStart - 1;
    while (through < limit && bytes > MAX_CACHED_BYTES / 2) {
      through += 1;
      bytes -= entrySizeBytes(this.#inWindow(through));
    }
    this.#evictThrough(through);
  }

  #evictThrough(index: number): void {
    if (index < this.#windowStart) return;
    for (const entry of this.#window.splice(0, index + 1 - this.#windowStart)) {
      this.#windowBytes -= entrySizeBytes(entry);
    }
    this.#windowStart = index + 1;
  }

  #inWindow(index: number): Entry {
    return present(this.#window[index - this.#windowStart], `entry ${index} is missing from memory`);
  }
}

/**
 * The highest index ≤ `index` whose term is ≤ `term`: where two logs may still agree (back-off by term, §5.3).
 * Below the start of the log nothing is known, and the start is the answer. After MAX_BACK_OFF_STEPS the search goes on
 * with the next refusal: each step may read the disk.
 */
export function lastIndexAtMostTerm(log: RaftLog, options: { index: number; term: number }): LogPosition {
  let index = Math.min(options.index, log.lastIndex);
  for (let steps = 0; index > log.start.index; steps++) {
    const term = present(log.term(index), 'entries between start and end have terms');
    if (term <= options.term || steps >= MAX_BACK_OFF_STEPS) return { index, term };
    index -= 1;
  }
  return { index: Math.max(0, Math.min(index, options.index)), term: log.term(index) ?? 0 };
}
