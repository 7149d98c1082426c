// Rows of the state that the store does not hold yet, in the order of their keys.

import type { Json, RangeOptions } from '../farm/state-view.ts';
import { compareUtf8 } from '../shared/utf8-order.ts';

export type OverlayRow =
  | { readonly kind: 'put'; readonly value: Json /** The value as JSON, made once. */; readonly text: string }
  /** Hides the store's row. */
  | { readonly kind: 'deleted' };

/** What a row weighs beside its text: map entry, key, objects. */
const ROW_OVERHEAD_BYTES = 64;

export class StateOverlay {
  readonly #rows = new Map<string, OverlayRow>();
  /** Invariant: the keys of #rows, sorted. A row never leaves, so neither does a key. */
  readonly #keys: string[] = [];
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
    if (previous === undefined) this.#keys.splice(this.#firstAtLeast(key), 0, key);
    this.#rows.set(key, row);
    this.#bytes += sizeBytes(key, row) - (previous === undefined ? 0 : sizeBytes(key, previous));
  }

  /** In key order. */
  *entries(): Generator<readonly [key: string, row: OverlayRow]> {
    for (const key of this.#keys) {
      const row = this.#rows.get(key);
      if (row !== undefined) yield [key, row];
    }
  }

  /** The first key of a range in its direction: the one to go on with is `nextKey({ ...range, after: key })`. */
  nextKey({ prefix, after, reverse = false }: RangeOptions): string | undefined {
    const key = reverse ? this.#lastBefore(prefix, after) : this.#firstAfter(prefix, after);
    return key?.startsWith(prefix) ? key : undefined;
  }

  #firstAfter(prefix: string, after: string | undefined): string | undefined {
    if (after === undefined || compareUtf8(after, prefix) < 0) return this.#keys[this.#firstAtLeast(prefix)];
    return this.#keys[this.#firstWhere((key) => compareUtf8(key, after) > 0)];
  }

  #lastBefore(prefix: string, after: string | undefined): string | undefined {
    const isBeyond = (key: string): boolean =>
      (compareUtf8(key, prefix) > 0 && !key.startsWith(prefix)) ||
      (after !== undefined && compareUtf8(key, after) >= 0);
    return this.#keys[this.#firstWhere(isBeyond) - 1];
  }

  #firstAtLeast(key: string): number {
    return this.#firstWhere((other) => compareUtf8(other, key) >= 0);
  }

  /** The first position whose key satisfies `predicate`, which holds from there on; the end when none does. */
  #firstWhere(predicate: (key: string) => boolean): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (predicate(this.#keys[middle] ?? '')) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function sizeBytes(key: string, row: OverlayRow): number {
  return ROW_OVERHEAD_BYTES + key.length + (row.kind === 'put' ? row.text.length : 0);
}
