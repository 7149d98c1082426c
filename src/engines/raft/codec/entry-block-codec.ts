// Consecutive log entries in bytes, one behind the other: what one row of the log on disk holds. Each tells its own
// length, so that any beginning of a block that ends between two entries is a block too.

import { allocateBytes } from '../../../shared/allocate-bytes.ts';
import type { Entry } from '../core/entry.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { EntryScanner, MAX_COMMAND_OVERHEAD_BYTES, readEntry, writeEntry } from './entry-codec.ts';
import { malformed } from './malformed.ts';

/** With room for `spareBytes` more behind the entries. Nothing is copied when all of them are commands. */
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
 * At least one entry, the first with index `firstIndex`. Commands are views of `bytes`, which must not change
 * afterwards. Throws CodedError `malformed`.
 */
export function readBlock(bytes: Uint8Array, firstIndex: number): Entry[] {
  const reader = new ByteReader(bytes);
  const entries: Entry[] = [];
  do {
    const entry = readEntry(reader);
    const expectedIndex = firstIndex + entries.length;
    if (entry.index !== expectedIndex) {
      throw malformed(`entry ${entry.index} stands where entry ${expectedIndex} belongs`);
    }
    entries.push(entry);
  } while (reader.remaining > 0);
  return entries;
}

/** Where entry `index` of a block begins. Throws CodedError `malformed` when it is not there. */
export function offsetInBlock(bytes: Uint8Array, index: number): number {
  const scanner = new EntryScanner(bytes);
  while (scanner.next()) {
    if (scanner.index === index) return scanner.offset;
  }
  throw malformed(`entry ${index} is not there`);
}
