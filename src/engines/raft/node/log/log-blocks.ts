// The log on disk. Entries that were written together are one row, a block, under the index of its first
// entry.
//
//   append      puts a write's entries as blocks behind the last block
//   truncation  deletes the blocks from there on, and puts the block that straddles the place again, cut
//   short
//   compaction  deletes blocks of compacted entries only; a block that holds a later entry too stays whole
//
// LogBlocks keeps in memory where each block begins, according to the writes that were issued. The core reads
// only entries that are durable and stay, and finds them whichever of these writes have reached the disk.

import { assert, present } from '../../../../shared/assert.ts';
import { offsetInBlock, readBlock, writeBlock } from '../../codec/entry-block-codec.ts';
import { CHECKSUM_BYTES, openSealed, seal, sealWritten } from '../../codec/sealed-record.ts';
import { type Entry, entrySizeBytes } from '../../core/entry.ts';
import type { LogReader, LogWrite } from '../../core/log.ts';
import type { RaftLimits } from '../options.ts';
import type { KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { blockKey } from './keys.ts';
import { damaged, verified } from './log-damage.ts';
import type { LoadedLog } from './log-load.ts';

/** Bound on a block's size, by `entrySizeBytes`. A larger entry is a block of its own. */
const MAX_BLOCK_BYTES = 64 * 1024;
/** Bound on a block's entries: reading one decodes the whole block. */
export const MAX_BLOCK_ENTRIES = 512;
/** Bound on the blocks that one compaction write deletes. */
const MAX_COMPACTED_BLOCKS = 2_048;

type CompactionLimits = Pick<RaftLimits, 'compactAfterEntries' | 'compactAfterBytes' | 'keepEntries'>;

/** The first and last entry of one block. */
interface BlockExtent {
  readonly first: number;
  readonly last: number;
}

/**
 * Makes the writes of the log, in the order in which they are issued, and reads the log for the core. Throws
 * CodedError `log_damaged` for a block that fails its checks.
 */
export class LogBlocks implements LogReader {
  readonly #store: KeyValueReader;
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
  /**
   * The block that was decoded last. Invariant: its entries stay. A write that takes any away clears this.
   */
  #decoded: readonly Entry[] = NO_ENTRIES;

  constructor(store: KeyValueReader, { logStart, lastLog, logBytes, blockStarts }: LoadedLog) {
    this.#store = store;
    this.#first = logStart.index + 1;
    this.#last = lastLog.index;
    this.#bytes = logBytes;
    this.#starts = [...blockStarts];
  }

  // -------------------------------------------------------------- writes

  /** Returns the operations of one atomic write. Earlier writes that put entries are durable. */
  write({ entries, remove }: LogWrite): WriteOperation[] {
    // The entries replace everything from their first index on, and `remove` begins after their last.
    const from = entries[0]?.index ?? remove?.first;
    const operations = from !== undefined && from <= this.#last ? this.#truncate(from) : [];
    for (const block of inBlocks(entries)) {
      this.#append(block);
      operations.push(putBlock(block));
    }
    return operations;
  }

  /** Notes a new block at the end of the log. */
  #append(entries: readonly Entry[]): void {
    this.#starts.push(this.#last + 1);
    for (const entry of entries) {
      assert(entry.index === this.#last + 1, `entry ${entry.index} does not follow ${this.#last} on disk`);
      this.#last = entry.index;
      this.#bytes += entrySizeBytes(entry);
    }
  }

  #truncate(from: number): WriteOperation[] {
    assert(from >= this.#first, `entry ${from} is compacted and cannot be truncated`);
    this.#decoded = NO_ENTRIES;
    const straddling = present(this.#blockOf(from), `entry ${from} is in a block`);
    // If the block begins before the log, only its compacted entries would stay, so it goes too.
    const kept = from === this.#first ? 0 : this.#startsThrough(from - 1);
    this.#last = from - 1;
    const operations = deleteBlocks(this.#starts.splice(kept));
    // The straddling block was deleted with the others if nothing of it stays, or only compacted entries.
    if (straddling.first < from && kept > 0) operations.push(this.#beginning(straddling.first, from));
    return operations;
  }

  /** Returns a put of the block's entries before `end`. */
  #beginning(first: number, end: number): WriteOperation {
    const { key, payload } = this.#read(first);
    const length = verified(nameOf(first), () => offsetInBlock(payload, end));
    return { kind: 'put', key, value: seal(key, payload.subarray(0, length)) };
  }

  /** Returns the last entry to compact now, at most `highest`. Undefined while the log is small enough. */
  compactionEnd(limits: CompactionLimits, highest: number): number | undefined {
    const { compactAfterEntries, compactAfterBytes, keepEntries } = limits;
    const count = this.#last - this.#first + 1;
    const isTooLarge = this.#bytes > compactAfterBytes;
    if (count <= compactAfterEntries && !isTooLarge) return undefined;
    const keep = isTooLarge ? Math.min(keepEntries, Math.floor(count / 2)) : keepEntries;
    const endOfBlocks = (this.#starts[MAX_COMPACTED_BLOCKS] ?? Number.POSITIVE_INFINITY) - 1;
    const end = Math.min(highest, this.#last - keep, endOfBlocks);
    return end < this.#first ? undefined : end;
  }

  /**
   * Deletes blocks of entries up to `index` only. The log start in the same write says that they are
   * compacted.
   */
  compactThrough(index: number): WriteOperation[] {
    const count = this.#last - this.#first + 1;
    this.#bytes -= Math.floor((this.#bytes * (index - this.#first + 1)) / count);
    this.#first = index + 1;
    const gone = index >= this.#last ? this.#starts.length : this.#startsThrough(index + 1) - 1;
    return deleteBlocks(this.#starts.splice(0, gone));
  }

  /**
   * A snapshot that ends at `index` replaces all entries. The store drops their blocks (ALL_BLOCKS) in that
   * write.
   */
  restartAfter(index: number): void {
    this.#decoded = NO_ENTRIES;
    this.#first = index + 1;
    this.#last = index;
    this.#bytes = 0;
    this.#starts.length = 0;
  }

  // -------------------------------------------------------------- reads

  term(index: number): number {
    const { entries, at } = this.#find(index);
    return present(entries[at], 'what was found is there').term;
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    while (from + found.length < to) {
      const { entries, at } = this.#find(from + found.length);
      const end = Math.min(entries.length, at + to - from - found.length);
      for (const entry of entries.slice(at, end)) {
        bytes += entrySizeBytes(entry);
        if (found.length > 0 && bytes > maxBytes) return found;
        found.push(entry);
      }
    }
    return found;
  }

  /** Returns the block with entry `index`, and the entry's place in the block. */
  #find(index: number): { entries: readonly Entry[]; at: number } {
    const at = index - (this.#decoded[0]?.index ?? 0);
    if (at >= 0 && at < this.#decoded.length) return { entries: this.#decoded, at };
    const block = this.#blockOf(index);
    if (block === undefined) throw damaged(`entry ${index} is missing`);
    this.#decoded = this.#decode(block);
    return { entries: this.#decoded, at: index - block.first };
  }

  /** Entries that a write under way takes away are left out: on disk the block may still have them. */
  #decode({ first, last }: BlockExtent): readonly Entry[] {
    const { payload } = this.#read(first);
    const entries = verified(nameOf(first), () => readBlock(payload, first));
    const count = last - first + 1;
    if (entries.length < count) throw damaged(`entry ${first + entries.length} is missing`);
    return entries.length > count ? entries.slice(0, count) : entries;
  }

  #read(first: number): { key: Uint8Array; payload: Uint8Array } {
    const key = blockKey(first);
    const value = this.#store.get(key);
    if (value === undefined) throw damaged(`entry ${first} is missing`);
    return { key, payload: verified(nameOf(first), () => openSealed(key, value)) };
  }

  /** Returns the block that holds entry `index`; undefined when the log does not have it. */
  #blockOf(index: number): BlockExtent | undefined {
    if (index < this.#first || index > this.#last) return undefined;
    const after = this.#startsThrough(index);
    const first = this.#starts[after - 1];
    return first === undefined ? undefined : { first, last: (this.#starts[after] ?? this.#last + 1) - 1 };
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

/** Puts consecutive entries in blocks of their own. */
export function putEntries(entries: readonly Entry[]): WriteOperation[] {
  return inBlocks(entries).map(putBlock);
}

/** Deletes blocks, given by the indexes of their first entries. */
export function deleteBlocks(starts: readonly number[]): WriteOperation[] {
  return starts.map((first) => ({ kind: 'delete', key: blockKey(first) }));
}

function inBlocks(entries: readonly Entry[]): (readonly Entry[])[] {
  const blocks: (readonly Entry[])[] = [];
  let from = 0;
  let at = 0;
  let bytes = 0;
  for (const entry of entries) {
    const entryBytes = entrySizeBytes(entry);
    if (at > from && (bytes + entryBytes > MAX_BLOCK_BYTES || at - from === MAX_BLOCK_ENTRIES)) {
      blocks.push(entries.slice(from, at));
      from = at;
      bytes = 0;
    }
    bytes += entryBytes;
    at += 1;
  }
  if (from < at) blocks.push(from === 0 ? entries : entries.slice(from));
  return blocks;
}

function putBlock(entries: readonly Entry[]): WriteOperation {
  const key = blockKey(present(entries[0], 'a block has an entry').index);
  return { kind: 'put', key, value: sealWritten(key, writeBlock(entries, CHECKSUM_BYTES)) };
}

function nameOf(first: number): string {
  return `the block of entry ${first}`;
}

const NO_ENTRIES: readonly Entry[] = [];
