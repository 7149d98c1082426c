// Rows that were read from the store lately, decoded, and those that were looked for and are not there: a few are read all
// the time, such as the spool on everybody's printer. Bounded in number and size; the one that came first goes first.

import type { Json } from '../../../../state/state-view.ts';

const MAX_ROWS = 4_096;
/** As stored. Longer ones are not kept, so that all of them stay within some megabytes. */
const MAX_ROW_BYTES = 1_024;

export class RowCache {
  readonly #rows = new Map<string, Json | undefined>();

  /** Whether it is known what the store has under this key. */
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

  /** The store will hold another row, or none. */
  forget(key: string): void {
    this.#rows.delete(key);
  }

  clear(): void {
    this.#rows.clear();
  }
}
