// Every log entry that any server ever wrote or sent, and what stood before it.
//
// Log matching (figure 3) is: an index and a term name one entry and everything before it. So it is enough that each
// pair is seen with one content and one predecessor, always.

import { encodeEntry } from '../../../src/engines/raft/codec/entry-codec.ts';
import type { Configuration } from '../../../src/engines/raft/core/configuration.ts';
import type { ConfigurationEntry, Entry, LogPosition } from '../../../src/engines/raft/core/entry.ts';
import { hashBytes, hashText } from './hash.ts';
import type { Violations } from './violations.ts';

interface SeenEntry {
  readonly index: number;
  readonly term: number;
  readonly previousTerm: number;
  readonly kind: Entry['kind'];
  readonly hash: number;
  /** The last configuration at or before it in the logs that have it; undefined while that is not looked up. */
  configuration: Configuration | undefined;
  /** The object that it was seen as last: seen again, it need not be hashed again. */
  entry: Entry;
}

/** Terms of one simulation stay below this. */
const MAX_TERMS = 2 ** 20;

export interface LogHistoryHandlers {
  /** The first entry of a term: its leader's log as the term began. */
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

  /** Some log has `entries` after an entry of `previousTerm`. */
  see(previousTerm: number, entries: readonly Entry[]): void {
    let before = previousTerm;
    for (const entry of entries) {
      this.#seeOne(entry, before);
      before = entry.term;
    }
  }

  /** The term at `index` in the log that has `position`; undefined when that was never seen. */
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

  /** The terms of entries `downTo`.. `position.index` in the log that has `position`; undefined where one is unseen. */
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
   * Configurations that may have been in force when `position` was committed: the last at or before it in the log that
   * has it, and all that were appended after it.
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

  /** The last configuration at or before `position`. Remembered for all entries on the way; earlier ones may come later. */
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
      'log matching',
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
      'leader append-only',
      () => `term ${term} began at entry ${first}, and has entry ${index} too`,
    );
    this.#violations.expect(
      previousTerm <= term,
      'log matching',
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
