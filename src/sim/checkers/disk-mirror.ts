// What one server's disk holds durably, as read from its writes: what it may promise to others.

import { decodeEntry } from '../../codec/entry-codec.ts';
import { openSealed } from '../../codec/sealed-record.ts';
import { APPLIED_KEY, entryKey, HARD_STATE_KEY, LOG_START_KEY } from '../../node/keys.ts';
import type { WriteOperation } from '../../node/ports.ts';
import type { Entry, LogPosition } from '../../raft/entry.ts';
import { copyBytes } from '../../shared/allocate-bytes.ts';
import { present } from '../../shared/assert.ts';
import { keyOf } from '../simulated-disk.ts';

/** What one durable write said about consensus. */
export interface MirroredWrite {
  readonly hardState: { readonly term: number; readonly votedFor: string | undefined } | undefined;
  /** In order of their indexes. */
  readonly entries: readonly Entry[];
  readonly applied: (LogPosition & { readonly generation: number }) | undefined;
}

const HARD_STATE = keyOf(HARD_STATE_KEY);
const LOG_START = keyOf(LOG_START_KEY);
const APPLIED = keyOf(APPLIED_KEY);
const RECORD_PREFIX = present(APPLIED_KEY[0], 'keys are not empty');
const ENTRY_PREFIX = present(entryKey(0)[0], 'keys are not empty');
const ENTRY_KEY_BYTES = entryKey(0).length;

const decoder = new TextDecoder();

export class DiskMirror {
  term = 0;
  votedFor: string | undefined;
  start: LogPosition = { index: 0, term: 0 };
  /** The state's own record of how far it has come. */
  applied: (LogPosition & { readonly generation: number }) | undefined;
  /** Index → term of what is on disk. */
  readonly #terms = new Map<number, number>();
  #lastIndex = 0;

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Undefined for what is not there; the term of what is compacted is known for the last such entry only. */
  termAt(index: number): number | undefined {
    return index === this.start.index ? this.start.term : this.#terms.get(index);
  }

  /** Whether the entry is there, or was compacted, which only committed entries are. */
  holds({ index, term }: LogPosition): boolean {
    return index < this.start.index || this.termAt(index) === term;
  }

  take(operations: readonly WriteOperation[]): MirroredWrite {
    const entries: Entry[] = [];
    let hardState: MirroredWrite['hardState'];
    let applied: MirroredWrite['applied'];
    for (const operation of operations) {
      const { key } = operation;
      if (key[0] === ENTRY_PREFIX && key.length === ENTRY_KEY_BYTES) {
        if (operation.kind === 'delete') this.#terms.delete(indexOf(key));
        else entries.push(this.#putEntry(operation.key, operation.value));
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
    return { hardState, entries, applied };
  }

  #putEntry(key: Uint8Array, value: Uint8Array): Entry {
    const entry = decodeEntry(copyBytes(openSealed(key, value)));
    this.#terms.set(entry.index, entry.term);
    this.#lastIndex = Math.max(this.#lastIndex, entry.index);
    return entry;
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

function indexOf(key: Uint8Array): number {
  let index = 0;
  for (let at = 1; at < key.length; at += 1) index = index * 0x100 + (key[at] ?? 0);
  return index;
}
