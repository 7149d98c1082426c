import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { present } from '../../../shared/assert.ts';
import { type Entry, entrySizeBytes, type LogPosition } from './entry.ts';
import { type LogWrite, lastIndexAtMostTerm, MAX_BACK_OFF_STEPS, MAX_CACHED_BYTES, RaftLog } from './log.ts';
import { logOfTerms } from './testing/cluster.ts';

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly termStep: number }
  | { readonly kind: 'truncate'; readonly back: number }
  | { readonly kind: 'take-write' }
  | { readonly kind: 'complete-write' }
  | { readonly kind: 'compact'; readonly quarters: number }
  | { readonly kind: 'trim' }
  | { readonly kind: 'restore'; readonly ahead: number }
  | { readonly kind: 'restart' };

const someSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('append'),
        count: fc.integer({ min: 1, max: 5 }),
        termStep: fc.nat(1),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: 'take-write' }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'complete-write' }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('truncate'), back: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact'), quarters: fc.nat(4) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('restore'), ahead: fc.integer({ min: -4, max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'trim' }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** So large that memory keeps only a few of them. Entries are compared by identity. */
const LARGE = new Uint8Array(MAX_CACHED_BYTES / 4);

/** A log as a plain list, beside a RaftLog on a disk that is a list too. */
class LogModel {
  log: RaftLog;
  entries: Entry[] = [];
  start: LogPosition;
  readonly #disk = new Map<number, Entry>();
  #diskStart: LogPosition = { index: 0, term: 0 };
  #write: { readonly write: LogWrite; readonly start: LogPosition } | undefined;
  /** Set from a restore until its write is taken. That write begins the log anew. */
  #isRestored = false;

  constructor() {
    this.start = this.#diskStart;
    this.log = this.#open();
  }

  get lastIndex(): number {
    return this.start.index + this.entries.length;
  }

  run(step: Step): void {
    switch (step.kind) {
      case 'append':
        this.#append(step.count, (this.entries.at(-1)?.term ?? this.start.term) + step.termStep);
        break;
      case 'truncate':
        this.#truncate(Math.max(this.start.index, this.lastIndex - step.back) + 1);
        break;
      case 'take-write':
        if (this.#write === undefined) this.#write = { write: this.log.takeWrite(), start: this.start };
        if (this.#write.start === this.start) this.#isRestored = false;
        break;
      case 'complete-write':
        this.#complete();
        break;
      case 'compact':
        this.#compact(step.quarters);
        break;
      case 'trim':
        this.log.trimCache(this.lastIndex);
        break;
      case 'restore':
        this.#restore(Math.max(this.start.index + 1, this.lastIndex + step.ahead));
        break;
      default:
        this.#restart();
    }
  }

  check(): void {
    const { log } = this;
    expect(log.lastIndex).toBe(this.lastIndex);
    expect(log.start).toEqual(this.start);
    expect(log.lastTerm).toBe(this.entries.at(-1)?.term ?? this.start.term);
    expect(log.term(this.start.index - 1)).toBeUndefined();
    expect(log.term(this.lastIndex + 1)).toBeUndefined();
    expect(this.entries.every((entry) => log.term(entry.index) === entry.term)).toBe(true);
    expect(log.durableIndex).toBeLessThanOrEqual(this.lastIndex);
    const read = this.#read();
    expect(read.length).toBe(this.entries.length);
    expect(read.every((entry, position) => entry === this.entries[position])).toBe(true);
    // Entries up to the durable index survive a crash.
    if (this.#diskStart !== this.start) return;
    const durable = this.entries.filter(({ index }) => index <= log.durableIndex);
    expect(durable.every((entry) => this.#disk.get(entry.index) === entry)).toBe(true);
  }

  #open(): RaftLog {
    const reader = {
      term: (index: number) => this.#onDisk(index).term,
      entries: (from: number, to: number) =>
        Array.from({ length: Math.min(2, to - from) }, (_, i) => this.#onDisk(from + i)),
    };
    return new RaftLog(reader, this.#diskStart, this.#diskStart.index + this.#disk.size);
  }

  #onDisk(index: number): Entry {
    return present(this.#disk.get(index), `entry ${index} is read, and not on disk`);
  }

  /** Reads all entries, batch by batch. */
  #read(): Entry[] {
    const entries: Entry[] = [];
    while (this.start.index + entries.length < this.lastIndex) {
      const batch = this.log.entries(this.start.index + entries.length + 1, 100);
      if (batch.length === 0) break;
      entries.push(...batch);
    }
    return entries;
  }

  #append(count: number, term: number): void {
    for (let i = 0; i < count; i++) {
      const entry: Entry = { kind: 'command', index: this.lastIndex + 1, term, data: LARGE };
      this.log.append([entry]);
      this.entries.push(entry);
    }
  }

  /** Truncates like a follower, which replaces the entries at once by one of a later term. */
  #truncate(from: number): void {
    if (from > this.lastIndex) return;
    const term = present(this.entries.at(-1), 'there is an entry').term + 1;
    this.log.truncateFrom(from);
    this.entries.splice(from - this.start.index - 1);
    this.#append(1, term);
  }

  #complete(): void {
    if (this.#write === undefined) return;
    const { write, start } = this.#write;
    this.#write = undefined;
    if (start !== this.#diskStart && start.index > this.#diskStart.index) {
      this.#disk.clear();
      this.#diskStart = start;
    }
    if (write.remove !== undefined) {
      for (let index = write.remove.first; index <= write.remove.last; index++) this.#disk.delete(index);
    }
    for (const entry of write.entries) this.#disk.set(entry.index, entry);
    this.log.onWriteDurable();
  }

  #compact(quarters: number): void {
    if (this.#write !== undefined || this.#isRestored) return;
    const index = this.start.index + Math.floor((quarters / 4) * (this.log.durableIndex - this.start.index));
    const entry = this.entries[index - this.start.index - 1];
    if (entry === undefined) return;
    const first = this.start.index + 1;
    this.start = { index, term: entry.term };
    this.log.compactTo(this.start.index);
    this.entries.splice(0, index - first + 1);
    this.#diskStart = this.start;
    for (let gone = first; gone <= index; gone++) this.#disk.delete(gone);
  }

  #restore(index: number): void {
    if (this.#isRestored) return;
    this.start = { index, term: (this.entries.at(-1)?.term ?? this.start.term) + 1 };
    this.entries = [];
    this.#isRestored = true;
    this.log.restore(this.start);
  }

  /** Drops everything but the disk, because the process died. */
  #restart(): void {
    this.#write = undefined;
    this.#isRestored = false;
    this.log = this.#open();
    this.start = this.#diskStart;
    this.entries = [...this.#disk.values()].sort((a, b) => a.index - b.index);
    for (const [position, entry] of this.entries.entries()) {
      expect(entry.index).toBe(this.start.index + position + 1);
    }
  }
}

describe('the log', () => {
  test('equals a plain list, through writes, truncations, compactions, restores and crashes', () => {
    fc.assert(
      fc.property(someSteps, (steps) => {
        const model = new LogModel();
        for (const step of steps) {
          model.run(step);
          model.check();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('§5.4.1: up to date means the later last term, then the longer log, in one comparison (trap 3)', () => {
    const someLog = fc.record({
      index: fc.integer({ min: 1, max: 4 }),
      term: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(someLog, someLog, (own, other) => {
        const log = new RaftLog(
          { term: () => own.term, entries: () => [] },
          { index: own.index, term: own.term },
          own.index,
        );
        const rank = ({ term, index }: { term: number; index: number }): number => 100 * term + index;
        expect(log.isUpToDate({ lastLogIndex: other.index, lastLogTerm: other.term })).toBe(
          rank(other) >= rank(own),
        );
      }),
    );
  });

  test('back-off finds the last index whose term is not above the given one (§5.3)', () => {
    const someTerms = fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }).map((steps) => {
      let term = 1;
      return steps.map((step) => (term += step));
    });
    fc.assert(
      fc.property(someTerms, fc.nat(14), fc.nat(26), fc.nat(4), (terms, index, term, compacted) => {
        const log = new RaftLog({ term: () => 0, entries: () => [] }, { index: 0, term: 0 }, 0);
        log.append(logOfTerms(terms));
        log.takeWrite();
        log.onWriteDurable();
        const start = Math.min(compacted, terms.length);
        if (start > 0) log.compactTo(start);
        const found = lastIndexAtMostTerm(log, { index, term });
        const last = Math.min(index, terms.length);
        const fits = terms.flatMap((at, position) => (position < last && at <= term ? [position + 1] : []));
        expect(found.index).toBe(Math.max(Math.min(start, index), fits.at(-1) ?? 0));
        if (found.index >= start) expect(found.term).toBe(terms[found.index - 1] ?? 0);
        else expect(found.term).toBe(0);
      }),
    );
  });

  test('one search of the back-off looks at a bounded number of entries', () => {
    const log = new RaftLog({ term: () => 0, entries: () => [] }, { index: 0, term: 0 }, 0);
    log.append(logOfTerms(Array.from({ length: 3 * MAX_BACK_OFF_STEPS }, () => 5)));
    const found = lastIndexAtMostTerm(log, { index: 3 * MAX_BACK_OFF_STEPS, term: 4 });
    expect(found).toEqual({ index: 2 * MAX_BACK_OFF_STEPS, term: 5 });
  });

  test('memory for applied entries is bounded, and dropped entries are read from disk (trap 36)', () => {
    const disk: Entry[] = [];
    const reader = {
      term: (index: number) => present(disk[index - 1], 'on disk').term,
      entries: (from: number, to: number) => disk.slice(from - 1, to - 1),
    };
    const log = new RaftLog(reader, { index: 0, term: 0 }, 0);
    const data = new Uint8Array(MAX_CACHED_BYTES / 8);
    for (let index = 1; index <= 20; index++) {
      const entry: Entry = { kind: 'command', index, term: 1, data };
      log.append([entry]);
      disk.push(...log.takeWrite().entries);
      log.onWriteDurable();
      log.trimCache(index);
    }
    expect(log.entries(3, 1)[0]).toBe(disk[2]);
    const cached = log
      .entries(18, Number.POSITIVE_INFINITY)
      .reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
    expect(cached).toBeLessThanOrEqual(MAX_CACHED_BYTES);
  });

  test('is never truncated into compacted entries (trap 14)', () => {
    const log = new RaftLog({ term: () => 1, entries: () => [] }, { index: 5, term: 1 }, 8);
    expect(() => log.truncateFrom(5)).toThrow('never truncated');
  });
});
