// Counts cases by their outcome.

import type { TargetName } from './arguments.ts';

export interface TallyRow {
  readonly target: TargetName;
  readonly idea: string;
  readonly kind: string;
  /** The number of cases by outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
}

export class Tally {
  readonly #rows = new Map<
    string,
    { target: TargetName; idea: string; kind: string; outcomes: Map<string, number> }
  >();
  #peakBytes = new Map<string, number>();
  readonly #notes = new Map<string, number>();

  count(target: TargetName, what: { idea: string; kind: string; outcome: string; times?: number }): void {
    const { idea, kind, outcome, times = 1 } = what;
    const name = `${target}\0${idea}\0${kind}`;
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { target, idea, kind, outcomes: new Map() };
      this.#rows.set(name, row);
    }
    row.outcomes.set(outcome, (row.outcomes.get(outcome) ?? 0) + times);
  }

  /** Counts an event that is not a case, such as a write between cases. */
  note(what: string, times = 1): void {
    this.#notes.set(what, (this.#notes.get(what) ?? 0) + times);
  }

  /** Records the memory of one process; the highest value is kept. */
  memory(process: string, bytes: number): void {
    this.#peakBytes.set(process, Math.max(bytes, this.#peakBytes.get(process) ?? 0));
  }

  get rows(): readonly TallyRow[] {
    return [...this.#rows.values()];
  }

  get notes(): ReadonlyMap<string, number> {
    return this.#notes;
  }

  get peakBytes(): ReadonlyMap<string, number> {
    return this.#peakBytes;
  }

  casesOf(target: TargetName): number {
    return this.#sum((row) => row.target === target);
  }

  get cases(): number {
    return this.#sum(() => true);
  }

  #sum(matches: (row: TallyRow) => boolean): number {
    let sum = 0;
    for (const row of this.#rows.values()) {
      if (matches(row)) for (const times of row.outcomes.values()) sum += times;
    }
    return sum;
  }
}
