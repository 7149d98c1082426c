// Reads of LMDB (by way of lmdb-js): of the store as it is, or of a read transaction that is held.

import type { Database, RootDatabase, Transaction } from 'lmdb';
import { copyBytes } from '../../../../shared/allocate-bytes.ts';
import { assert } from '../../../../shared/assert.ts';
import type { KeyRange, KeyValueReader, KeyValueRow } from '../../node/ports/key-value-store.ts';

export type BinaryDatabase = RootDatabase<Uint8Array, Buffer>;

/** A read transaction that is held: LMDB keeps its pages until it is closed. */
export class LmdbSnapshot implements KeyValueReader {
  readonly #database: BinaryDatabase;
  readonly #onClose: () => void;
  #transaction: Transaction | undefined;

  constructor(database: BinaryDatabase, onClose: () => void) {
    this.#database = database;
    this.#onClose = onClose;
    this.#transaction = database.useReadTransaction();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return getRow(this.#database, key, this.#open());
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return readRange(this.#database, range, { transaction: this.#open() });
  }

  close(): void {
    this.#transaction?.done();
    this.#transaction = undefined;
    this.#onClose();
  }

  #open(): Transaction {
    assert(this.#transaction !== undefined, 'a snapshot that was closed is not read');
    return this.#transaction;
  }
}

/** A copy. lmdb-js would make one with memory of its own, which costs several times what filling it costs. */
export function getRow(
  database: BinaryDatabase,
  key: Uint8Array,
  transaction?: Transaction,
): Uint8Array | undefined {
  const reader = database as unknown as FastReader;
  const options = transaction === undefined ? undefined : { transaction };
  // Its length is the row's, its memory that of whatever is read next, too.
  const bytes = reader.getBinaryFast(asKey(key), options);
  return bytes && copyBytes(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** lmdb-js declares it without options. */
interface FastReader {
  getBinaryFast(key: Buffer, options: { readonly transaction: Transaction } | undefined): Buffer | undefined;
}

export function readRange(
  database: Database<Uint8Array, Buffer>,
  { from, to, reverse = false }: KeyRange,
  { transaction, atEnd = () => undefined }: RangeReading = {},
): Iterable<KeyValueRow> {
  const [low, high] = [asKey(from), asKey(to)];
  const held = transaction === undefined ? {} : { transaction };
  // lmdb-js starts a reverse range at its upper end: exclusive there, inclusive at the lower.
  const bounds = reverse
    ? { start: high, end: low, reverse, exclusiveStart: true, inclusiveEnd: true }
    : { start: low, end: high };
  const rows = database.getRange({ ...bounds, ...held }) as Iterable<KeyValueRow>;
  return endingOnce(rows, atEnd);
}

export interface RangeReading {
  readonly transaction?: Transaction;
  /**
   * Called at the end, and to throw where there may be more rows: lmdb-js uses cursors again, and one for which LMDB begins no
   * read any more gives none, without a word. A lookup throws then.
   */
  readonly atEnd?: () => void;
}

/** lmdb-js takes an iterator's cursor back when that ends, and again whenever it is told so: a generator ends once. */
function* endingOnce(rows: Iterable<KeyValueRow>, atEnd: () => void): Generator<KeyValueRow, undefined> {
  try {
    yield* rows;
  } finally {
    atEnd();
  }
}

/** lmdb-js declares binary keys to be Buffers, and takes any array of bytes: a Buffer would be made for nothing. */
export function asKey(bytes: Uint8Array): Buffer {
  return bytes as Buffer;
}
