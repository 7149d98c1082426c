// A model of the durable content of one server's disk, built from its writes. It bounds what the server may
// promise.

import { readBlock } from '../../../src/engines/raft/codec/entry-block-codec.ts';
import { openSealed } from '../../../src/engines/raft/codec/sealed-record.ts';
import type { Entry, LogPosition } from '../../../src/engines/raft/core/entry.ts';
import {
  APPLIED_KEY,
  firstIndexOf,
  HARD_STATE_KEY,
  LOG_START_KEY,
} from '../../../src/engines/raft/node/log/keys.ts';
import type { WriteOperation } from '../../../src/engines/raft/node/ports/key-value-store.ts';
import { copyBytes } from '../../../src/shared/allocate-bytes.ts';
import { present } from '../../../src/shared/assert.ts';
import { keyOf } from '../simulated-disk.ts';

/** The consensus part of one durable write. */
interface MirroredWrite {
  readonly hardState: { readonly term: number; readonly votedFor: string | undefined } | undefined;
  /** In index order, without compacted entries, which a block may still hold. */
  readonly entries: readonly Entry[];
  /** The first entry that another block on the disk also holds. */
  readonly overlap: Entry | undefined;
  readonly applied: (LogPosition & { readonly generation: number }) | undefined;
}

const HARD_STATE = keyOf(HARD_STATE_KEY);
const LOG_START = keyOf(LOG_START_KEY);
const APPLIED = keyOf(APPLIED_KEY);
const RECORD_PREFIX = present(APPLIED_KEY[0], 'keys are not empty');

const decoder = new TextDecoder();

export class DiskMirror {
  term = 0;
  votedFor: string | undefined;
  start: LogPosition = { index: 0, term: 0 };
  /** Applied index, term and generation, as recorded with the state. */
  applied: (LogPosition & { readonly generation: number }) | undefined;
  /** Index → term of the entries on disk. */
  readonly #terms = new Map<number, number>();
  /** First index → last index of each block, which is one row on disk. */
  readonly #blocks = new Map<number, number>();
  #lastIndex = 0;

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Returns the term of an entry; of the compacted entries, only of the last one. */
  termAt(index: number): number | undefined {
    if (index < this.start.index) return undefined;
    return index === this.start.index ? this.start.term : this.#terms.get(index);
  }

  /** Whether the entry is on disk, or compacted, which only committed entries are. */
  holds({ index, term }: LogPosition): boolean {
    return index < this.start.index || this.termAt(index) === term;
  }

  take(operations: readonly WriteOperation[]): MirroredWrite {
    const written: Entry[] = [];
    let overlap: Entry | undefined;
    let hardState: MirroredWrite['hardState'];
    let applied: MirroredWrite['applied'];
    for (const operation of operations) {
      const { key } = operation;
      const first = firstIndexOf(key);
      if (first !== undefined) {
        this.#deleteBlock(first);
        if (operation.kind === 'delete') continue;
        const entries = readBlock(copyBytes(openSealed(key, operation.value)), first);
        const overlapping = this.#putBlock(entries);
        overlap ??= overlapping;
        written.push(...entries);
        continue;
      }
      if (operation.kind === 'delete' || key[0] !== RECORD_PREFIX) continue;
      const name = keyOf(key);
      if (name === HARD_STATE) hardState = this.#putHardState(operation);
      else if (name === LOG_START) this.start = readJson(operation);
      else if (name === APPLIED) {
        applied = readJson(operation);
        this.applied = applied;
      }
    }
    this.#findLast();
    const entries = written.filter(({ index }) => index > this.start.index);
    return { hardState, entries, overlap, applied };
  }

  #putBlock(entries: readonly Entry[]): Entry | undefined {
    const overlap = entries.find(({ index }) => this.#terms.has(index));
    for (const { index, term } of entries) this.#terms.set(index, term);
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return overlap;
    this.#blocks.set(first.index, last.index);
    this.#lastIndex = Math.max(this.#lastIndex, last.index);
    return overlap;
  }

  #deleteBlock(first: number): void {
    const last = this.#blocks.get(first) ?? 0;
    for (let index = first; index <= last; index += 1) this.#terms.delete(index);
    this.#blocks.delete(first);
  }

  #putHardState(operation: WriteOperation & { kind: 'put' }): MirroredWrite['hardState'] {
    const { term, votedFor } = readJson<{ term: number; votedFor: string | null }>(operation);
    this.term = term;
    this.votedFor = votedFor ?? undefined;
    return { term, votedFor: this.votedFor };
  }

  #findLast(): void {
    while (this.#lastIndex > this.start.index && !this.#terms.has(this.#lastIndex)) this.#lastIndex -= 1;
    this.#lastIndex = Math.max(this.#lastIndex, this.start.index);
  }
}

function readJson<T>({ key, value }: WriteOperation & { kind: 'put' }): T {
  return JSON.parse(decoder.decode(openSealed(key, value))) as T;
}
