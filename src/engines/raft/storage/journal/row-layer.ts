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
import { OperationArena } from './operation-arena.ts';

// A CommonJS package that claims to be a module: Node.js and its tools disagree about its default export.
const { default: BTree, simpleComparator } = createRequire(import.meta.url)(
  'sorted-btree',
) as typeof import('sorted-btree');

export class RowLayer {
  /** Keys are strings of one character a byte, which sort as the bytes do. A delete hides a row below. */
  readonly #places = new BTree<string, number>(undefined, simpleComparator);
  readonly #operations = new OperationArena();

  get count(): number {
    return this.#places.size;
  }

  add(operations: readonly WriteOperation[]): void {
    for (const operation of operations) {
      this.#places.set(textOf(operation.key), this.#operations.add(operation));
    }
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

  /** Returns the first operation of a range in its direction. */
  first({ from, to, reverse = false }: KeyRange): LayerEntry | undefined {
    const entry = reverse
      ? this.#places.nextLowerPair(textOf(to))
      : this.#places.getPairOrNextHigher(textOf(from));
    return this.#inRange(entry, textOf(from), textOf(to));
  }

  /** Returns the operation after `key` in the direction of the range. */
  next(key: string, { from, to, reverse = false }: KeyRange): LayerEntry | undefined {
    const entry = reverse ? this.#places.nextLowerPair(key) : this.#places.nextHigherPair(key);
    return this.#inRange(entry, textOf(from), textOf(to));
  }

  #inRange(
    entry: readonly [key: string, place: number] | undefined,
    from: string,
    to: string,
  ): LayerEntry | undefined {
    if (entry === undefined || entry[0] < from || entry[0] >= to) return undefined;
    return [entry[0], this.#operations.at(entry[1])];
  }
}

type LayerEntry = readonly [key: string, operation: WriteOperation];

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
    const heads = this.#layers.map((layer) => layer.first(range));
    const rows = this.#tree.range(range);
    return heads.every((head) => head === undefined) ? rows : this.#merged(heads, rows, range);
  }

  *#merged(
    heads: (LayerEntry | undefined)[],
    treeRows: Iterable<KeyValueRow>,
    range: KeyRange,
  ): Generator<KeyValueRow> {
    const direction = range.reverse === true ? -1 : 1;
    const rows = treeRows[Symbol.iterator]();
    try {
      let row = rows.next();
      for (;;) {
        const head = this.#takeHead(heads, range, direction);
        while (row.done !== true) {
          const order = head === undefined ? -1 : Buffer.compare(row.value.key, head.key) * direction;
          if (order < 0) yield row.value;
          if (order <= 0) row = rows.next();
          if (order >= 0) break;
        }
        if (head === undefined) return;
        if (head.kind === 'put') yield { key: copyBytes(head.key), value: copyBytes(head.value) };
      }
    } finally {
      rows.return?.();
    }
  }

  /** Returns the next operation of all layers. If several layers have its key, the newest one wins. */
  #takeHead(
    heads: (LayerEntry | undefined)[],
    range: KeyRange,
    direction: 1 | -1,
  ): WriteOperation | undefined {
    let next: LayerEntry | undefined;
    for (const head of heads) {
      if (head === undefined) continue;
      const isNearer = next === undefined || (direction === 1 ? head[0] < next[0] : head[0] > next[0]);
      if (isNearer) next = head;
    }
    if (next === undefined) return undefined;
    for (const [at, layer] of this.#layers.entries()) {
      if (heads[at]?.[0] === next[0]) heads[at] = layer.next(next[0], range);
    }
    return next[1];
  }
}
