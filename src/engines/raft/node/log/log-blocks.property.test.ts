import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unreachable } from '../../../../shared/assert.ts';
import { type Entry, entrySizeBytes, type LogPosition } from '../../core/entry.ts';
import type { WriteOperation } from '../ports/key-value-store.ts';
import { TestClock } from '../testing/clock.ts';
import { TestStore } from '../testing/store.ts';
import { ALL_BLOCKS } from './keys.ts';
import { LogBlocks } from './log-blocks.ts';
import { type LoadedLog, loadLog } from './log-load.ts';

/** Numbers from 0 to 1 name a place in the log as it is then. */
type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'replace'; readonly where: number; readonly sizes: readonly number[] }
  | { readonly kind: 'compact'; readonly where: number }
  | { readonly kind: 'install'; readonly where: number }
  | { readonly kind: 'restart' };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const sizes = fc.oneof(
  fc.array(fc.nat(40), { maxLength: 30 }),
  // Several blocks, cut by bytes and by entries.
  fc.array(fc.constantFrom(1, 30_000, 70_000), { maxLength: 6 }),
  fc.constantFrom(511, 512, 513, 1_100).map((count) => new Array<number>(count).fill(0)),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), sizes }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('replace' as const), where: share, sizes }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('compact' as const), where: share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('install' as const), where: share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

function wordOf(entry: Entry): string {
  const data = entry.kind === 'command' ? `${entry.data.length} of ${entry.data[0]}` : '';
  return `${entry.index}: term ${entry.term}, ${data}`;
}

/** The log as a plain array, beside the one in blocks. */
class Logs {
  readonly #clock = new TestClock();
  readonly #store = new TestStore(this.#clock);
  #start: LogPosition = { index: 0, term: 0 };
  #entries: Entry[] = [];
  #term = 1;
  #blocks = new LogBlocks(this.#store, this.#loaded());

  get #last(): number {
    return this.#start.index + this.#entries.length;
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'append':
        this.#write(this.#last + 1, step.sizes);
        break;
      case 'replace':
        this.#term += 1;
        this.#write(this.#indexAt(step.where) + 1, step.sizes);
        break;
      case 'compact':
        this.#compact(this.#indexAt(step.where));
        break;
      case 'install':
        this.#install(1 + this.#start.index + Math.floor(step.where * 2 * this.#entries.length));
        break;
      case 'restart':
        this.#restart();
        break;
      default:
        unreachable(step);
    }
    this.#compare(this.#last);
    this.#compareWithDisk();
  }

  /** Entries from the start of the log to its end. */
  #indexAt(where: number): number {
    return this.#start.index + Math.round(where * this.#entries.length);
  }

  /** Entries from `first` on replace the entries that are there, as RaftLog asks for it. */
  #write(first: number, entrySizes: readonly number[]): void {
    const diskLast = this.#last;
    const fresh = entrySizes.map((size, at): Entry => {
      const data = new Uint8Array(size).fill(this.#term);
      return { kind: 'command', index: first + at, term: this.#term, data };
    });
    this.#entries = [...this.#entries.slice(0, first - this.#start.index - 1), ...fresh];
    const remove = diskLast > this.#last ? { first: this.#last + 1, last: diskLast } : undefined;
    this.#issue(this.#blocks.write({ entries: fresh, remove }), Math.min(diskLast, first - 1));
  }

  #compact(index: number): void {
    if (index === this.#start.index) return;
    const gone = this.#entries.splice(0, index - this.#start.index);
    this.#start = { index, term: gone.at(-1)?.term ?? 0 };
    this.#issue(this.#blocks.compactThrough(index), this.#last);
  }

  #install(index: number): void {
    this.#term += 1;
    this.#entries = [];
    this.#start = { index, term: this.#term };
    this.#blocks.restartAfter(index);
    // As an adoption does.
    this.#issue(
      [...this.#store.range(ALL_BLOCKS)].map(({ key }) => ({ kind: 'delete', key })),
      index,
    );
  }

  #restart(): void {
    this.#blocks = new LogBlocks(this.#store, this.#loaded());
  }

  /** Entries up to `durable` that stay are read before the disk has the write, and may stay decoded. */
  #issue(operations: readonly WriteOperation[], durable: number): void {
    this.#store.isHeld = true;
    this.#store.write(operations, () => undefined);
    this.#compare(durable);
    this.#store.release();
    this.#clock.advance(5);
  }

  #compare(last: number): void {
    const first = this.#start.index + 1;
    const expected = this.#entries.slice(0, Math.max(0, last - this.#start.index));
    const entries = last < first ? [] : this.#blocks.entries(first, last + 1, Number.POSITIVE_INFINITY);
    expect(entries.map(wordOf)).toEqual(expected.map(wordOf));
    const middle = expected[expected.length >>> 1];
    if (middle !== undefined) expect(this.#blocks.term(middle.index)).toBe(middle.term);
  }

  #compareWithDisk(): void {
    const { lastLog, logBytes } = this.#loaded();
    const { index, term } = this.#entries.at(-1) ?? this.#start;
    expect(lastLog).toEqual({ index, term });
    expect(logBytes).toBe(this.#entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0));
  }

  #loaded(): LoadedLog {
    return loadLog(this.#store, { logStart: this.#start, applied: this.#start });
  }
}

test('under random appends, replacements, compactions and installs, the log in blocks equals a plain array', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 25 }), (run) => {
      const logs = new Logs();
      for (const step of run) logs.take(step);
    }),
    { numRuns: 150 },
  );
});
