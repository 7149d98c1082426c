// The replicated log: a window of recent entries in memory, and older entries on disk.

import { assert, present } from '../../../shared/assert.ts';
import { type Entry, entriesSizeBytes, entrySizeBytes, type LogPosition } from './entry.ts';
import type { LastLog } from './message.ts';

/** Reads the part of the log that is on disk. Called only for entries that are durable and not compacted. */
export interface LogReader {
  term(index: number): number;
  /** Returns entries with `from` ≤ index < `to`: at least one, and as many as fit in `maxBytes`. */
  entries(from: number, to: number, maxBytes: number): readonly Entry[];
}

/** The changes that one disk write makes to the log. */
export interface LogWrite {
  readonly entries: readonly Entry[];
  /** Indexes first..last on disk are deleted, before the entries of this same write are written. */
  readonly remove: { readonly first: number; readonly last: number } | undefined;
}

/** Memory for entries that are already durable and applied, kept for followers that are a little behind. */
export const MAX_CACHED_BYTES = 512 * 1024;

/** The number of entries that one call of lastIndexAtMostTerm looks at. */
export const MAX_BACK_OFF_STEPS = 1_024;

export class RaftLog {
  readonly #reader: LogReader;
  /** The last compacted entry. {0, 0} at first. */
  #start: LogPosition;
  /** Entries windowStart..lastIndex. Invariant: contains every entry that is not durable. */
  #window: Entry[] = [];
  #windowStart: number;
  #windowBytes = 0;
  /** Entries up to here were given to a disk write. */
  #writtenThrough: number;
  /** The highest index that may be on disk. */
  #diskLast: number;
  /** The last index that the write under way makes durable, reduced by truncations since its start. */
  #writeUnderWayThrough: number | undefined;
  #durableIndex: number;

  /** The log on disk has the entries after `start` up to `lastIndex`. */
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

  /** Undefined for compacted entries, except the start itself, and for entries after the last one. */
  term(index: number): number | undefined {
    if (index === this.#start.index) return this.#start.term;
    if (index < this.#start.index || index > this.lastIndex) return undefined;
    if (index >= this.#windowStart) return this.#inWindow(index).term;
    return this.#reader.term(index);
  }

  /** Returns entries with `from` ≤ index < `to`, not compacted: at least one, up to `maxBytes`. */
  entries(from: number, maxBytes: number, to = this.lastIndex + 1): readonly Entry[] {
    assert(from > this.#start.index, `entry ${from} is compacted`);
    assert(to <= this.lastIndex + 1, `entry ${to - 1} is beyond the log`);
    if (from >= to) return [];
    if (from < this.#windowStart) {
      return this.#reader.entries(from, Math.min(to, this.#windowStart), maxBytes);
    }
    let end = from;
    let bytes = 0;
    while (end < to) {
      bytes += entrySizeBytes(this.#inWindow(end));
      if (end > from && bytes > maxBytes) break;
      end += 1;
    }
    return this.#window.slice(from - this.#windowStart, end - this.#windowStart);
  }

  /** Whether a log with this end is up to date: a later term wins, then the longer log (§5.4.1). */
  isUpToDate({ lastLogIndex, lastLogTerm }: LastLog): boolean {
    return lastLogTerm > this.lastTerm || (lastLogTerm === this.lastTerm && lastLogIndex >= this.lastIndex);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} does not follow ${this.lastIndex}`);
      assert(entry.term >= this.lastTerm, 'terms never decrease along the log');
      this.#window.push(entry);
      this.#windowBytes += entrySizeBytes(entry);
    }
  }

  /** Drops entries from `from` on, which conflict with the leader's. The caller ensures none is committed. */
  truncateFrom(from: number): void {
    assert(from > this.#start.index, 'compacted entries are never truncated');
    const dropped = this.#window.splice(Math.max(0, from - this.#windowStart));
    this.#windowBytes -= entriesSizeBytes(dropped);
    this.#windowStart = Math.min(this.#windowStart, from);
    this.#writtenThrough = Math.min(this.#writtenThrough, from - 1);
    this.#durableIndex = Math.min(this.#durableIndex, from - 1);
    if (this.#writeUnderWayThrough !== undefined) {
      this.#writeUnderWayThrough = Math.min(this.#writeUnderWayThrough, from - 1);
    }
  }

  /** Drops entries up to `index`, which the durable state includes. Returns the new start. */
  compactTo(index: number): LogPosition {
    const term = present(this.term(index), 'only an existing entry can become the start of the log');
    assert(index <= this.#durableIndex, 'only durable entries are compacted');
    this.#start = { index, term };
    this.#evictThrough(index);
    return this.#start;
  }

  /** Drops all entries, because a snapshot that ends at `position` replaces the state (§7). */
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

  /** Returns the changes for the next disk write, which is then under way until `onWriteDurable`. */
  takeWrite(): LogWrite {
    const unwritten = this.#window.slice(Math.max(0, this.#writtenThrough + 1 - this.#windowStart));
    const remove =
      this.#diskLast > this.lastIndex ? { first: this.lastIndex + 1, last: this.#diskLast } : undefined;
    this.#writtenThrough = this.lastIndex;
    this.#diskLast = this.lastIndex;
    this.#writeUnderWayThrough = this.lastIndex;
    return { entries: unwritten, remove };
  }

  /** Called when the write under way is durable. Returns the last durable index. */
  onWriteDurable(): number {
    if (this.#writeUnderWayThrough !== undefined) {
      this.#durableIndex = Math.max(this.#durableIndex, this.#writeUnderWayThrough);
      this.#writeUnderWayThrough = undefined;
    }
    return this.#durableIndex;
  }

  /** Drops entries up to `appliedIndex` from memory while they exceed MAX_CACHED_BYTES. */
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
    this.#windowBytes -= entriesSizeBytes(this.#window.splice(0, index + 1 - this.#windowStart));
    this.#windowStart = index + 1;
  }

  #inWindow(index: number): Entry {
    return present(this.#window[index - this.#windowStart], `entry ${index} is missing from memory`);
  }
}

/**
 * Returns the last entry at or before `index` whose term is at most `term`; replication.ts has a picture.
 * Stops at the start of the log. Stops after MAX_BACK_OFF_STEPS, since each step may read the disk: the next
 * refusal continues.
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
