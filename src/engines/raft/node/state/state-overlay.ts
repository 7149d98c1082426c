// Rows of the state that the store does not have yet.

import { compareUtf8 } from '../../../../shared/utf8-order.ts';
import type { Json, RangeOptions } from '../../../../state/state-view.ts';

/** Stands in the place of a row's value, and hides the store's row. */
export const DELETED = Symbol('deleted');
export type OverlayRow = Json | typeof DELETED;

/** The cost of a row beside its value: map entry, key, objects. */
const ROW_OVERHEAD_BYTES = 64;
const NUMBER_BYTES = 8;

export class StateOverlay {
  readonly #rows = new Map<string, OverlayRow>();
  /** Invariant: #sorted and #added together hold each key of #rows once. Rows and keys never leave. */
  #sorted: string[] = [];
  /** Keys added since the last ordered lookup. Most overlays never see one. */
  #added: string[] = [];
  #bytes = 0;

  /** About how much memory the rows take. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): OverlayRow | undefined {
    return this.#rows.get(key);
  }

  set(key: string, row: OverlayRow): void {
    const previous = this.#rows.get(key);
    this.#rows.set(key, row);
    if (previous === undefined) {
      this.#added.push(key);
      this.#bytes += ROW_OVERHEAD_BYTES + key.length + sizeBytes(row);
    } else {
      this.#bytes += sizeBytes(row) - sizeBytes(previous);
    }
  }

  /** The rows in the order in which their keys came. */
  entries(): Iterable<readonly [key: string, row: OverlayRow]> {
    return this.#rows.entries();
  }

  /** Returns the first key of a range. `nextKey({ ...range, after: key })` continues. */
  nextKey({ prefix, after }: RangeOptions): string | undefined {
    const keys = this.#keys();
    const isAtStart = after === undefined || compareUtf8(after, prefix) < 0;
    const isInside = (key: string): boolean =>
      isAtStart ? compareUtf8(key, prefix) >= 0 : compareUtf8(key, after) > 0;
    const key = keys[firstWhere(keys, isInside)];
    return key?.startsWith(prefix) ? key : undefined;
  }

  /** Returns all keys, sorted. */
  #keys(): readonly string[] {
    if (this.#added.length > 0) {
      this.#sorted = merge(this.#sorted, this.#added.sort(compareUtf8));
      this.#added = [];
    }
    return this.#sorted;
  }
}

/** Merges two sorted lists that have no key in common. */
function merge(a: readonly string[], b: readonly string[]): string[] {
  const all: string[] = [];
  let at = 0;
  for (const key of b) {
    const end = firstWhere(a, (other) => compareUtf8(other, key) > 0, at);
    while (at < end) all.push(a[at++] ?? '');
    all.push(key);
  }
  while (at < a.length) all.push(a[at++] ?? '');
  return all;
}

/** Returns the first position whose key satisfies `predicate`, which holds from there on, or the length. */
function firstWhere(keys: readonly string[], predicate: (key: string) => boolean, from = 0): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (predicate(keys[middle] ?? '')) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Estimates the memory of a value: its texts, and a constant for anything else. */
function sizeBytes(value: OverlayRow): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return NUMBER_BYTES;
  let bytes = NUMBER_BYTES;
  if (Array.isArray(value)) for (const element of value as readonly Json[]) bytes += sizeBytes(element);
  else for (const element of Object.values(value)) bytes += NUMBER_BYTES + sizeBytes(element);
  return bytes;
}
