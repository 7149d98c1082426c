// The log on disk: entries that were written together are one row, a block, under the index of the first of them.
//
//   append      a write's entries as blocks behind the last one
//   truncation  blocks from there on are deleted; the one that began before is put anew, as far as it stays
//   compaction  blocks of nothing but compacted entries are deleted; one that holds a later entry too stays whole
//
// What begins where is in memory (LogExtent), as the writes leave it that were issued. The core reads here only what is
// durable and stays, so it finds it whichever of these writes have reached the disk.

import { present } from '../../../../shared/assert.ts';
import { offsetInBlock, readBlock, writeBlock } from '../../codec/entry-block-codec.ts';
import { CHECKSUM_BYTES, openSealed, seal, sealWritten } from '../../codec/sealed-record.ts';
import { type Entry, entrySizeBytes } from '../../core/entry.ts';
import type { LogReader, LogWrite } from '../../core/log.ts';
import type { KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { blockKey } from './keys.ts';
import { damaged, verified } from './log-damage.ts';
import type { BlockExtent, LogExtent } from './log-extent.ts';

/** What the entries of one block may count for (`entrySizeBytes`): one that counts for more is a block alone. */
const MAX_BLOCK_BYTES = 64 * 1024;
/** Of small entries: a block is decoded whole for one of them. */
export const MAX_BLOCK_ENTRIES = 512;

/**
 * The writes of the log, in the order in which they are issued, and the core's reader of it. What does not pass its
 * checks throws CodedError `log_damaged`.
 */
export class LogBlocks implements LogReader {
  readonly #store: KeyValueReader;
  readonly #extent: LogExtent;
  /** The block that was decoded last. Invariant: entries that stay; a write that takes any away lets go of it. */
  #decoded: readonly Entry[] = NO_ENTRIES;

  constructor(store: KeyValueReader, extent: LogExtent) {
    this.#store = store;
    this.#extent = extent;
  }

  // -------------------------------------------------------------- writes

  /** What one write does to the log, all of it atomic. Earlier such writes that put entries are durable. */
  write({ entries, remove }: LogWrite): WriteOperation[] {
    const operations: WriteOperation[] = [];
    // What the entries replace is removed too: they come first, and `remove` begins after the last of them.
    const from = entries[0]?.index ?? remove?.first;
    if (from !== undefined && from <= this.#extent.last) this.#truncate(from, operations);
    for (const block of inBlocks(entries)) {
      this.#extent.append(block);
      operations.push(putBlock(block));
    }
    return operations;
  }

  #truncate(from: number, operations: WriteOperation[]): void {
    this.#decoded = NO_ENTRIES;
    const straddling = present(this.#extent.blockOf(from), `entry ${from} is in a block`);
    for (const first of this.#extent.truncateFrom(from)) operations.push(deleteBlock(first));
    // Deleted with the others where nothing stays of it, or nothing that is not compacted.
    if (straddling.first < from && this.#extent.count > 0) operations.push(this.#beginning(straddling, from));
  }

  /** The block again, with its entries before `end`. */
  #beginning({ first }: BlockExtent, end: number): WriteOperation {
    const { key, payload } = this.#read(first);
    const length = verified(nameOf(first), () => offsetInBlock(payload, end));
    return { kind: 'put', key, value: seal(key, payload.subarray(0, length)) };
  }

  /** Deletes blocks of nothing but entries up to `index`, which the log start that is written with it says are compacted. */
  compactThrough(index: number): WriteOperation[] {
    return deleteBlocks(this.#extent.compactThrough(index));
  }

  /** A snapshot that ends at `index` takes the place of all entries: the store drops their blocks (ALL_BLOCKS) with that write. */
  restartAfter(index: number): void {
    this.#decoded = NO_ENTRIES;
    this.#extent.restartAfter(index);
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

  /** The block with entry `index`, and the entry's place in it. */
  #find(index: number): { entries: readonly Entry[]; at: number } {
    const at = index - (this.#decoded[0]?.index ?? 0);
    if (at >= 0 && at < this.#decoded.length) return { entries: this.#decoded, at };
    const block = this.#extent.blockOf(index);
    if (block === undefined) throw damaged(`entry ${index} is missing`);
    this.#decoded = this.#decode(block);
    return { entries: this.#decoded, at: index - block.first };
  }

  /** A write under way may make the block end earlier than it does on disk: what it takes away is left out. */
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
}

/** Consecutive entries in blocks of their own. */
export function putEntries(entries: readonly Entry[]): WriteOperation[] {
  return inBlocks(entries).map(putBlock);
}

/** Blocks by the indexes of their first entries. */
export function deleteBlocks(starts: readonly number[]): WriteOperation[] {
  return starts.map(deleteBlock);
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

function deleteBlock(first: number): WriteOperation {
  return { kind: 'delete', key: blockKey(first) };
}

function nameOf(first: number): string {
  return `the block of entry ${first}`;
}

const NO_ENTRIES: readonly Entry[] = [];
