// Decoded rows that were read from the store lately, and keys that had none. Some rows are read all the time,
// such as a busy spool. Bounded in number and size; the oldest goes first.

import type { Json } from '../../../../state/state-view.ts';

const MAX_ROWS = 4_096;
/** Bound on a kept row, as stored, so that all of them take some megabytes. */
const MAX_ROW_BYTES = 1_024;

export class RowCache {
  readonly #rows = new Map<string, Json | undefined>();

  /** Whether the cache knows what the store has under this key. */
  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** Undefined when the store has no such row. */
  get(key: string): Json | undefined {
    return this.#rows.get(key);
  }

  keep(key: string, value: Json | undefined, storedBytes: number): void {
    if (storedBytes > MAX_ROW_BYTES) return;
    this.#rows.set(key, value);
    if (this.#rows.size <= MAX_ROWS) return;
    for (const first of this.#rows.keys()) {
      this.#rows.delete(first);
      return;
    }
  }

  /** Forgets a row that is about to change. */
  forget(key: string): void {
    this.#rows.delete(key);
  }

  clear(): void {
    this.#rows.clear();
  }
}
