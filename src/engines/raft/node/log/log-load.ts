// Reads the whole log from the disk at every start, without making an object for a command.
//
// There is no torn tail to cut off. A write to the store is atomic, so each block that is there was
// acknowledged to a leader or a client. Damage to the last block is damage like any other (trap 29): the node
// stops, and the other members have what it lost.

import { EntryScanner } from '../../codec/entry-codec.ts';
import { openSealed } from '../../codec/sealed-record.ts';
import type { Configuration } from '../../core/configuration.ts';
import { commandSizeBytes, entrySizeBytes, type LogPosition } from '../../core/entry.ts';
import type { KeyValueReader } from '../ports/key-value-store.ts';
import { ALL_BLOCKS, firstIndexOf } from './keys.ts';
import { damaged, verified } from './log-damage.ts';

export interface LoadedLog {
  /** The last entry of the log, or its start when it is empty. */
  readonly lastLog: LogPosition;
  /** The size of the entries, by `entrySizeBytes`. */
  readonly logBytes: number;
  /** The first entry of each block. The first block may begin with entries that are compacted. */
  readonly blockStarts: readonly number[];
  /** The configuration entries of the log, in order, applied or not. */
  readonly configurations: readonly { readonly index: number; readonly configuration: Configuration }[];
}

/**
 * Verifies the log: checksums are right, indexes follow each other from `logStart`, terms never decrease, and
 * the terms of log start and applied record are right. Throws CodedError `log_damaged`.
 */
export function loadLog(
  store: KeyValueReader,
  { logStart, applied }: { logStart: LogPosition; applied: LogPosition },
): LoadedLog {
  const scan = new LogScan(logStart, applied);
  for (const { key, value } of store.range(ALL_BLOCKS)) scan.block(key, value);
  return {
    lastLog: { index: scan.lastIndex, term: scan.lastTerm },
    logBytes: scan.logBytes,
    blockStarts: scan.blockStarts,
    configurations: scan.configurations,
  };
}

class LogScan {
  readonly #start: LogPosition;
  readonly #applied: LogPosition;
  lastIndex: number;
  lastTerm: number;
  logBytes = 0;
  readonly blockStarts: number[] = [];
  readonly configurations: { index: number; configuration: Configuration }[] = [];

  constructor(start: LogPosition, applied: LogPosition) {
    this.#start = start;
    this.#applied = applied;
    this.lastIndex = start.index;
    this.lastTerm = start.term;
    this.#checkTerm(applied, 'was applied');
  }

  block(key: Uint8Array, value: Uint8Array): void {
    const first = this.#firstOf(key);
    // Compacted entries stay as long as their block holds a later one.
    if (first <= this.lastIndex) {
      this.lastIndex = first - 1;
      this.lastTerm = 0;
    }
    this.blockStarts.push(first);
    verified(`the block of entry ${first}`, () => this.#entries(openSealed(key, value)));
    if (this.lastIndex < first) throw damaged(`the block of entry ${first} is empty`);
    if (this.lastIndex <= this.#start.index) {
      throw damaged(`entries ${first} to ${this.lastIndex} are compacted, and still there`);
    }
  }

  #firstOf(key: Uint8Array): number {
    const first = firstIndexOf(key);
    if (first === undefined) throw damaged(`a key of the log has ${key.length} bytes`);
    if (first > this.lastIndex + 1) throw damaged(`entry ${this.lastIndex + 1} is missing`);
    if (first <= this.lastIndex && this.blockStarts.length > 0) {
      throw damaged(
        `the block of entry ${first} begins before the end of the one that ends with ${this.lastIndex}`,
      );
    }
    return first;
  }

  #entries(payload: Uint8Array): void {
    const scanner = new EntryScanner(payload);
    while (scanner.next()) {
      const { index, term } = scanner;
      if (index !== this.lastIndex + 1) {
        throw damaged(`entry ${index} stands in the place of entry ${this.lastIndex + 1}`);
      }
      if (term < this.lastTerm) {
        throw damaged(`entry ${index} has term ${term}, and the one before it ${this.lastTerm}`);
      }
      this.lastIndex = index;
      this.lastTerm = term;
      if (index === this.#start.index) this.#checkTerm(this.#start, 'was compacted');
      if (index === this.#applied.index) this.#checkTerm(this.#applied, 'was applied');
      if (index > this.#start.index) this.#count(scanner);
    }
  }

  #count({ index, commandBytes, other }: EntryScanner): void {
    this.logBytes += other === undefined ? commandSizeBytes(commandBytes) : entrySizeBytes(other);
    if (other?.kind === 'configuration') {
      this.configurations.push({ index, configuration: other.configuration });
    }
  }

  /** Checks that the last entry so far has the recorded term, if it is the recorded entry. */
  #checkTerm(recorded: LogPosition, what: string): void {
    if (this.lastIndex === recorded.index && this.lastTerm !== recorded.term) {
      throw damaged(
        `entry ${recorded.index} has term ${this.lastTerm} and ${what} with term ${recorded.term}`,
      );
    }
  }
}
