// The replicated state in memory, for tests and for scratch copies. Rows are kept as JSON text, so a value
// that is read shares nothing with the value that was put, as in the real store.

import { present } from '../shared/assert.ts';
import { compareUtf8 } from '../shared/utf8-order.ts';
import { collectionOf, type Json, type RangeOptions, type StateView } from './state-view.ts';

/** For tests: the farm's rules run on it without a store. */
export class MemoryState implements StateView {
  readonly #valueTexts = new Map<string, string>();
  /** The keys of #valueTexts in UTF-8 order. */
  readonly #sortedKeys: string[] = [];
  readonly #versions = new Map<string, number>();

  get(key: string): Json | undefined {
    const text = this.#valueTexts.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  getOnce(key: string): Json | undefined {
    return this.get(key);
  }

  version(prefix: string): number {
    return this.#versions.get(prefix) ?? 0;
  }

  #countChange(key: string): void {
    const collection = collectionOf(key);
    this.#versions.set(collection, this.version(collection) + 1);
  }

  put(key: string, value: Json): void {
    this.#countChange(key);
    if (!this.#valueTexts.has(key)) this.#sortedKeys.splice(this.#placeOf(key), 0, key);
    this.#valueTexts.set(key, JSON.stringify(value));
  }

  delete(key: string): void {
    this.#countChange(key);
    if (this.#valueTexts.delete(key)) this.#sortedKeys.splice(this.#placeOf(key), 1);
  }

  *range({ prefix, after }: RangeOptions): Generator<readonly [key: string, value: Json]> {
    const isInside = (key: string): boolean =>
      compareUtf8(key, prefix) >= 0 && (after === undefined || compareUtf8(key, after) > 0);
    for (const key of this.#sortedKeys.slice(firstIndexWhere(this.#sortedKeys, isInside))) {
      if (!key.startsWith(prefix)) return;
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Returns every row as text, in key order. Two states are equal when their texts are. */
  toText(): string {
    return this.#sortedKeys.map((key) => `${JSON.stringify(key)}: ${this.#valueTexts.get(key)}`).join('\n');
  }

  /** Returns the position of a key, or the position at which it belongs. */
  #placeOf(key: string): number {
    return firstIndexWhere(this.#sortedKeys, (other) => compareUtf8(other, key) >= 0);
  }
}

/** Returns the first index with a true `predicate`, which stays true from there on, or the length. */
function firstIndexWhere(keys: readonly string[], predicate: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (predicate(present(keys[middle], 'the search left the list'))) high = middle;
    else low = middle + 1;
  }
  return low;
}
