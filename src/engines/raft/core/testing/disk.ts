// A disk for tests of the core. It has one atomic write at a time, which a test can hold back, lose or
// complete.

import { assert, present } from '../../../../shared/assert.ts';
import { EMPTY_CONFIGURATION } from '../configuration.ts';
import { type Entry, entrySizeBytes, type HardState, type LogPosition } from '../entry.ts';
import type { LogReader } from '../log.ts';
import type { PersistRequest, SnapshotPoint } from '../ready.ts';
import type { DurableState } from '../state.ts';

/** The state machine of these tests: the list of applied entries, and the position of its end. */
export interface AppliedState {
  readonly point: SnapshotPoint;
  readonly entries: readonly string[];
}

export const NOTHING_APPLIED: AppliedState = {
  point: { index: 0, term: 0, configuration: EMPTY_CONFIGURATION, configurationIndex: 0 },
  entries: [],
};

export class TestDisk implements LogReader {
  hardState: HardState = { term: 0, votedFor: undefined };
  start: LogPosition = { index: 0, term: 0 };
  state: AppliedState = NOTHING_APPLIED;
  readonly #entries = new Map<number, Entry>();
  #write: { readonly request: PersistRequest; readonly state: AppliedState } | undefined;

  get isWriting(): boolean {
    return this.#write !== undefined;
  }

  get lastIndex(): number {
    return this.start.index + this.#entries.size;
  }

  /** `state` is the state machine at the beginning of the write, and becomes durable with it. */
  begin(request: PersistRequest, state: AppliedState): void {
    assert(this.#write === undefined, 'one write at a time');
    this.#write = { request, state };
  }

  /** Makes the whole write under way durable. */
  complete(): PersistRequest {
    const { request, state } = present(this.#write, 'a write is under way');
    this.#write = undefined;
    if (request.hardState !== undefined) this.hardState = request.hardState;
    if (request.snapshot !== undefined) this.#replaceBy(request.snapshot);
    const { entries, remove } = request.log;
    if (remove !== undefined) {
      for (let index = remove.first; index <= remove.last; index++) this.#entries.delete(index);
    }
    for (const entry of entries) this.#entries.set(entry.index, entry);
    this.state = state;
    this.#checkLog();
    return request;
  }

  /** Drops the write under way, because the host died. */
  loseWrite(): void {
    this.#write = undefined;
  }

  compactTo(position: LogPosition): void {
    for (let index = this.start.index + 1; index <= position.index; index++) this.#entries.delete(index);
    this.start = position;
  }

  /** Writes entries before the server starts, as an earlier process would have. */
  load(hardState: HardState, entries: readonly Entry[]): void {
    this.hardState = hardState;
    for (const entry of entries) this.#entries.set(entry.index, entry);
    this.#checkLog();
  }

  term(index: number): number {
    if (index === this.start.index) return this.start.term;
    return this.#entry(index).term;
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const first = this.#entry(from);
    const entries = [first];
    let bytes = entrySizeBytes(first);
    for (let index = from + 1; index < to; index++) {
      const entry = this.#entry(index);
      bytes += entrySizeBytes(entry);
      if (bytes > maxBytes) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Whether the entry of `term` at `index` survives a crash, in the log or in the state. */
  holds(index: number, term: number): boolean {
    if (index <= this.start.index) return index < this.start.index || term === this.start.term;
    return this.#entries.get(index)?.term === term;
  }

  /** The durable state that a starting server reads. */
  durableState(): DurableState {
    const { point } = this.state;
    const later = [...this.#entries.values()]
      .sort((a, b) => a.index - b.index)
      .flatMap((entry) =>
        entry.kind === 'configuration' && entry.index > point.index
          ? [{ index: entry.index, configuration: entry.configuration }]
          : [],
      );
    return {
      hardState: this.hardState,
      logStart: this.start,
      lastLogIndex: this.lastIndex,
      appliedIndex: point.index,
      configurations: [{ index: point.configurationIndex, configuration: point.configuration }, ...later],
    };
  }

  #replaceBy(point: SnapshotPoint): void {
    this.#entries.clear();
    this.start = { index: point.index, term: point.term };
  }

  #entry(index: number): Entry {
    return present(this.#entries.get(index), `entry ${index} is not on disk`);
  }

  /** Invariant: entries are contiguous after the start, and terms never decrease. */
  #checkLog(): void {
    let term = this.start.term;
    for (let index = this.start.index + 1; index <= this.lastIndex; index++) {
      const entry = this.#entry(index);
      assert(entry.index === index && entry.term >= term, `entry ${index} does not follow the one before`);
      term = entry.term;
    }
    assert(this.lastIndex >= this.state.point.index, 'the log on disk reaches the applied index');
  }
}
