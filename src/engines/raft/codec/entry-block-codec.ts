// Consecutive log entries in bytes, which one row of the log on disk holds. Each entry tells its own length.
// So any beginning of a block that ends between two entries is a block too.

import { allocateBytes } from '../../../shared/allocate-bytes.ts';
import type { Entry } from '../core/entry.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  checkConsecutive,
  EntryScanner,
  MAX_COMMAND_OVERHEAD_BYTES,
  readEntry,
  writeEntry,
} from './entry-codec.ts';
import { malformed } from './malformed.ts';

/** Leaves room for `spareBytes` after the entries. Nothing is copied if all entries are commands. */
export function writeBlock(entries: readonly Entry[], spareBytes = 0): ByteWriter {
  let roomBytes = spareBytes;
  for (const entry of entries) {
    roomBytes += MAX_COMMAND_OVERHEAD_BYTES;
    if (entry.kind === 'command') roomBytes += entry.data.length;
  }
  const writer = new ByteWriter(allocateBytes(roomBytes));
  for (const entry of entries) writeEntry(writer, entry);
  return writer;
}

/**
 * Reads at least one entry, the first with index `firstIndex`. Commands are views of `bytes`, which must not
 * change. Throws CodedError `malformed`.
 */
export function readBlock(bytes: Uint8Array, firstIndex: number): Entry[] {
  const reader = new ByteReader(bytes);
  const entries: Entry[] = [];
  do entries.push(readEntry(reader));
  while (reader.remaining > 0);
  checkConsecutive(entries, firstIndex);
  return entries;
}

/** Returns the offset of entry `index` in a block. Throws CodedError `malformed` if the block lacks it. */
export function offsetInBlock(bytes: Uint8Array, index: number): number {
  const scanner = new EntryScanner(bytes);
  while (scanner.next()) {
    if (scanner.index === index) return scanner.offset;
  }
  throw malformed(`entry ${index} is missing`);
}
