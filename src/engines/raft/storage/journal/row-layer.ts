// Layers of rows that are in the journal but not in LMDB yet. A row of a layer hides rows of the same key
// below it.

import { createRequire } from 'node:module';
import { copyBytes } from '../../../../shared/allocate-bytes.ts';
import type {
  KeyRange,
  KeyValueReader,
  KeyValueRow,
  WriteOperation,
} from '../../node/ports/key-value-store.ts';
import { operationsBytes } from './journal-frame.ts';
import { OperationArena } from './operation-arena.ts';

// A CommonJS package that claims to be a module: Node.js and its tools disagree about its default export.
const { default: BTree, simpleComparator } = createRequire(import.meta.url)(
  'sorted-btree',
) as typeof import('sorted-btree');

export class RowLayer {
  /** Keys are strings of one character a byte, which sort as the bytes do. A delete hides a row below. */
  readonly #places = new BTree<string, number>(undefined, simpleComparator);
  readonly #operations = new OperationArena();
  /** The bytes of all operations that were added, in frames of the journal. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  add(operations: readonly WriteOperation[]): void {
    for (const operation of operations) {
      this.#places.set(textOf(operation.key), this.#operations.add(operation));
    }
    this.bytes += operationsBytes(operations);
  }

  /** Returns the last operation on a key, or undefined. */
  get(key: string): WriteOperation | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#operations.at(place);
  }

  /** Returns the places of the operations, in the order of keys. */
  places(): readonly number[] {
    return this.#places.valuesArray();
  }

  /** Returns the operation at one of the `places`. */
  at(place: number): WriteOperation {
    return this.#operations.at(place);
  }

  /** Yields the operations of a range in its direction. */
  *range({ from, to, reverse = false }: KeyRange): Generator<WriteOperation, undefined> {
    const [low, high] = [textOf(from), textOf(to)];
    const entries = reverse ? this.#places.entriesReversed(high, [], true) : this.#places.entries(low, []);
    for (const [key, place] of entries) {
      if (reverse ? key < low : key >= high) return;
      yield this.#operations.at(place);
    }
  }
}

/**
 * Returns the key as a string of one character a byte. A Buffer would first move a short key out of V8's
 * heap.
 */
function textOf(key: Uint8Array): string {
  return String.fromCharCode.apply(null, key as unknown as number[]);
}

/** Reads one state of the store: layers, the newest first, over a tree. */
export class LayeredReader implements KeyValueReader {
  readonly #layers: readonly RowLayer[];
  readonly #tree: KeyValueReader;

  constructor(layers: readonly RowLayer[], tree: KeyValueReader) {
    this.#layers = layers;
    this.#tree = tree;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = textOf(key);
    for (const layer of this.#layers) {
      const operation = layer.get(text);
      if (operation !== undefined) return operation.kind === 'put' ? copyBytes(operation.value) : undefined;
    }
    return this.#tree.get(key);
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    const direction = range.reverse === true ? -1 : 1;
    let rows = this.#tree.range(range);
    for (const layer of this.#layers.toReversed()) {
      const operations = layer.range(range);
      const first = operations.next();
      if (first.done !== true) rows = overlaid(rows, first, operations, direction);
    }
    return rows;
  }
}

/** Yields `rows` as `first` and the other operations leave them; all are in the direction of one range. */
function* overlaid(
  rows: Iterable<KeyValueRow>,
  first: IteratorResult<WriteOperation>,
  operations: Iterator<WriteOperation>,
  direction: 1 | -1,
): Generator<KeyValueRow, undefined> {
  const below = rows[Symbol.iterator]();
  try {
    let row = below.next();
    for (let next = first; ; next = operations.next()) {
      while (row.done !== true) {
        const order = next.done === true ? -1 : Buffer.compare(row.value.key, next.value.key) * direction;
        if (order < 0) yield row.value;
        if (order <= 0) row = below.next();
        if (order >= 0) break;
      }
      if (next.done === true) return;
      const { value: put } = next;
      if (put.kind === 'put') yield { key: copyBytes(put.key), value: copyBytes(put.value) };
    }
  } finally {
    below.return?.();
  }
}
