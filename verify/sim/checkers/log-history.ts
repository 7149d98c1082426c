// Every log entry that a server ever wrote or sent, and its predecessor.
//
// Log Matching (figure 3): an index and a term identify one entry and everything before it. So it is enough
// to check that each pair always has one content and one predecessor.

import { encodeEntry } from '../../../src/engines/raft/codec/entry-codec.ts';
import type { Configuration } from '../../../src/engines/raft/core/configuration.ts';
import type { ConfigurationEntry, Entry, LogPosition } from '../../../src/engines/raft/core/entry.ts';
import type { Violations } from '../../kit/violations.ts';
import { hashBytes, hashText } from './hash.ts';

interface SeenEntry {
  readonly index: number;
  readonly term: number;
  readonly previousTerm: number;
  readonly kind: Entry['kind'];
  readonly hash: number;
  /** The last configuration at or before this entry in its logs; undefined until it is looked up. */
  configuration: Configuration | undefined;
  /** The object it was last seen as: the same object need not be hashed again. */
  entry: Entry;
}

/** Upper bound of the terms of one simulation. */
const MAX_TERMS = 2 ** 20;

interface LogHistoryHandlers {
  /** The first entry of a term, that is, its leader's log when the term began. */
  onLeaderStart(entry: Entry, previousTerm: number): void;
}

export class LogHistory {
  readonly #violations: Violations;
  readonly #handlers: LogHistoryHandlers;
  readonly #entries = new Map<number, SeenEntry>();
  /** Index of the first entry of each term. */
  readonly #firstOfTerm = new Map<number, number>();
  /** Configuration entries, in the order in which they were first seen. */
  readonly #configurations: ConfigurationEntry[] = [];

  constructor(violations: Violations, handlers: LogHistoryHandlers) {
    this.#violations = violations;
    this.#handlers = handlers;
  }

  /** Records that some log has `entries` after an entry of `previousTerm`. */
  see(previousTerm: number, entries: readonly Entry[]): void {
    let before = previousTerm;
    for (const entry of entries) {
      this.#seeOne(entry, before);
      before = entry.term;
    }
  }

  /** Returns the term at `index` in the log that has `position`; undefined when it was never seen. */
  termBefore(position: LogPosition, index: number): number | undefined {
    if (index === 0) return 0;
    let { index: at, term } = position;
    while (at > index) {
      const seen = this.#entries.get(keyOf(at, term));
      if (seen === undefined) return undefined;
      term = seen.previousTerm;
      at -= 1;
    }
    return term;
  }

  /**
   * Returns the terms of entries `downTo`..`position.index` in that log; undefined when one was never seen.
   */
  termsBefore(position: LogPosition, downTo: number): readonly number[] | undefined {
    const terms = [position.term];
    let { index: at, term } = position;
    while (at > downTo) {
      const seen = this.#entries.get(keyOf(at, term));
      if (seen === undefined) return undefined;
      term = seen.previousTerm;
      at -= 1;
      terms.push(term);
    }
    return terms.reverse();
  }

  /**
   * Returns the configurations that may have been in force when `position` was committed: the last one at or
   * before it in the log that has it, and all that were appended after it.
   */
  configurationsAround(position: LogPosition): readonly Configuration[] {
    const around: Configuration[] = [];
    for (const entry of this.#configurations) {
      if (entry.index <= position.index) continue;
      if (this.termBefore(entry, position.index) === position.term) around.push(entry.configuration);
    }
    const last = this.configurationAt(position);
    return last === undefined ? around : [...around, last];
  }

  /** Returns the last configuration at or before `position`, and remembers it for all entries in between. */
  configurationAt(position: LogPosition): Configuration | undefined {
    const passed: SeenEntry[] = [];
    let seen = this.#entries.get(keyOf(position.index, position.term));
    while (seen !== undefined && seen.configuration === undefined) {
      passed.push(seen);
      seen = this.#entries.get(keyOf(seen.index - 1, seen.previousTerm));
    }
    for (const entry of passed) entry.configuration = seen?.configuration;
    return seen?.configuration;
  }

  get configurationEntries(): number {
    return this.#configurations.length;
  }

  #seeOne(entry: Entry, previousTerm: number): void {
    const { index, term } = entry;
    const key = keyOf(index, term);
    const seen = this.#entries.get(key);
    if (seen === undefined) {
      const { kind } = entry;
      const configuration = kind === 'configuration' ? entry.configuration : undefined;
      this.#entries.set(key, { index, term, previousTerm, kind, hash: hashOf(entry), configuration, entry });
      this.#seeFirstTime(entry, previousTerm);
      return;
    }
    const isSame = seen.entry === entry || seen.hash === hashOf(entry);
    seen.entry = entry;
    this.#violations.expect(
      isSame && seen.previousTerm === previousTerm,
      'Log Matching',
      () =>
        `entry ${index} of term ${term} was seen as ${seen.kind} after term ${seen.previousTerm}, ` +
        `and ${isSame ? 'the same' : 'another'} ${entry.kind} after term ${previousTerm}`,
    );
  }

  #seeFirstTime(entry: Entry, previousTerm: number): void {
    const { index, term } = entry;
    if (entry.kind === 'configuration') {
      this.#configurations.push(entry);
    }
    const first = this.#firstOfTerm.get(term);
    if (first === undefined || index < first) this.#firstOfTerm.set(term, index);
    this.#violations.expect(
      first === undefined || index > first,
      'Leader Append-Only',
      () => `term ${term} began at entry ${first}, and has entry ${index} too`,
    );
    this.#violations.expect(
      previousTerm <= term,
      'Log Matching',
      () => `entry ${index} of term ${term} follows one of term ${previousTerm}`,
    );
    if (entry.kind === 'leader-start') this.#handlers.onLeaderStart(entry, previousTerm);
  }
}

function keyOf(index: number, term: number): number {
  return index * MAX_TERMS + term;
}

function hashOf(entry: Entry): number {
  if (entry.kind === 'command') return hashBytes(entry.data);
  return entry.kind === 'configuration' ? hashBytes(encodeEntry(entry)) : hashText(entry.kind);
}
