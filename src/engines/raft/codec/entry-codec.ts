// Log entries in bytes, the same in the store and in append requests: kind, index, term, then fields of the
// kind.

import type { CommandEntry, Entry } from '../core/entry.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readConfiguration, writeConfiguration } from './configuration-codec.ts';
import { malformed } from './malformed.ts';

/** These numbers are on disks. Never give one another meaning. */
const COMMAND = 1;
const OTHER_KINDS = { configuration: 2, 'leader-start': 3 } as const;

/** Kind, index, term. */
export const MIN_ENTRY_BYTES = 3;
/** Kind, index, term and the length of the command, each at its greatest size. */
export const MAX_COMMAND_OVERHEAD_BYTES = 25;

/** For tests: the product writes entries into larger messages. */
export function encodeEntry(entry: Entry): Uint8Array {
  const writer = new ByteWriter();
  writeEntry(writer, entry);
  return writer.take();
}

/**
 * The data of a command is a view of `bytes`, which must not change. Throws CodedError `malformed`.
 * For tests: the product reads entries out of larger messages.
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new ByteReader(bytes);
  const entry = readEntry(reader);
  reader.end();
  return entry;
}

export function writeEntry(writer: ByteWriter, entry: Entry): void {
  writer.u8(entry.kind === 'command' ? COMMAND : OTHER_KINDS[entry.kind]);
  writer.varint(entry.index);
  writer.varint(entry.term);
  if (entry.kind === 'command') writer.bytes(entry.data);
  else if (entry.kind === 'configuration') writeConfiguration(writer, entry.configuration);
}

export function readEntry(reader: ByteReader): Entry {
  const kind = reader.u8();
  const index = reader.varint(1);
  const term = reader.varint(1);
  if (kind === COMMAND) return { kind: 'command', index, term, data: reader.bytes() };
  return readOther(reader, kind, { index, term });
}

/** Throws CodedError `malformed` unless the indexes of `entries` go up one by one from `firstIndex`. */
export function checkConsecutive(entries: readonly Entry[], firstIndex: number): void {
  let expected = firstIndex;
  for (const { index } of entries) {
    if (index !== expected) throw malformed(`entry ${index} stands where entry ${expected} belongs`);
    expected++;
  }
}

/** The rare entries that are not commands. */
type OtherEntry = Exclude<Entry, CommandEntry>;
type Position = Pick<Entry, 'index' | 'term'>;

function readOther(reader: ByteReader, kind: number, { index, term }: Position): OtherEntry {
  if (kind === OTHER_KINDS['leader-start']) return { kind: 'leader-start', index, term };
  if (kind !== OTHER_KINDS.configuration) throw malformed(`there is no kind of entry ${kind}`);
  return { kind: 'configuration', index, term, configuration: readConfiguration(reader) };
}

/**
 * Iterates over consecutive entries without creating an object for a command, because a start scans the whole
 * log. Throws CodedError `malformed`, like `readEntry`.
 */
export class EntryScanner {
  readonly #reader: ByteReader;
  index = 0;
  term = 0;
  /** The start of the entry, or the end of the bytes if there are no more entries. */
  offset = 0;
  /** The length of the command. 0 for other entries. */
  commandBytes = 0;
  /** The entry if it is not a command. */
  other: OtherEntry | undefined;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes);
  }

  /** False if there are no more entries. */
  next(): boolean {
    const reader = this.#reader;
    this.offset = reader.offset;
    if (reader.remaining === 0) return false;
    const kind = reader.u8();
    this.index = reader.varint(1);
    this.term = reader.varint(1);
    if (kind === COMMAND) {
      this.other = undefined;
      this.commandBytes = reader.varint();
      reader.skip(this.commandBytes);
    } else {
      this.commandBytes = 0;
      this.other = readOther(reader, kind, this);
    }
    return true;
  }
}
