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
  /** The last compacted entry: {0, 0} when there is none. */
  readonly logStart: LogPosition;
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
  return scan;
}

class LogScan implements LoadedLog {
  readonly logStart: LogPosition;
  readonly #applied: LogPosition;
  readonly lastLog: { index: number; term: number };
  logBytes = 0;
  readonly blockStarts: number[] = [];
  readonly configurations: { index: number; configuration: Configuration }[] = [];

  constructor(logStart: LogPosition, applied: LogPosition) {
    this.logStart = logStart;
    this.#applied = applied;
    this.lastLog = { ...logStart };
    this.#checkTerm(applied, 'was applied');
  }

  block(key: Uint8Array, value: Uint8Array): void {
    const { lastLog, logStart } = this;
    const first = this.#firstOf(key);
    // Compacted entries stay as long as their block holds a later one.
    if (first <= lastLog.index) {
      lastLog.index = first - 1;
      lastLog.term = 0;
    }
    this.blockStarts.push(first);
    verified(`the block of entry ${first}`, () => this.#entries(openSealed(key, value)));
    if (lastLog.index < first) throw damaged(`the block of entry ${first} is empty`);
    if (lastLog.index <= logStart.index) {
      throw damaged(`entries ${first} to ${lastLog.index} are compacted, and still there`);
    }
  }

  #firstOf(key: Uint8Array): number {
    const { index } = this.lastLog;
    const first = firstIndexOf(key);
    if (first === undefined) throw damaged(`a key of the log has ${key.length} bytes`);
    if (first > index + 1) throw damaged(`entry ${index + 1} is missing`);
    if (first <= index && this.blockStarts.length > 0) {
      throw damaged(`the block of entry ${first} begins before the end of the one that ends with ${index}`);
    }
    return first;
  }

  #entries(payload: Uint8Array): void {
    const { lastLog, logStart } = this;
    const scanner = new EntryScanner(payload);
    while (scanner.next()) {
      const { index, term } = scanner;
      if (index !== lastLog.index + 1) {
        throw damaged(`entry ${index} stands in the place of entry ${lastLog.index + 1}`);
      }
      if (term < lastLog.term) {
        throw damaged(`entry ${index} has term ${term}, and the one before it ${lastLog.term}`);
      }
      lastLog.index = index;
      lastLog.term = term;
      if (index === logStart.index) this.#checkTerm(logStart, 'was compacted');
      if (index === this.#applied.index) this.#checkTerm(this.#applied, 'was applied');
      if (index > logStart.index) this.#count(scanner);
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
    const { index, term } = this.lastLog;
    if (index === recorded.index && term !== recorded.term) {
      throw damaged(`entry ${index} has term ${term} and ${what} with term ${recorded.term}`);
    }
  }
}
