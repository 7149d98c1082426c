// Reads of LMDB (through lmdb-js): from the current state, or from a read transaction that is held.

import type { Database, RootDatabase, Transaction } from 'lmdb';
import { copyBytes } from '../../../../shared/allocate-bytes.ts';
import { assert } from '../../../../shared/assert.ts';
import type { KeyRange, KeyValueReader, KeyValueRow } from '../../node/ports/key-value-store.ts';

export type BinaryDatabase = RootDatabase<Uint8Array, Buffer>;

/** A held read transaction: LMDB keeps its pages until it is closed. */
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
    assert(this.#transaction !== undefined, 'a closed snapshot is not read');
    return this.#transaction;
  }
}

/**
 * Returns a copy of the value. The copy that lmdb-js makes has memory of its own, which costs several times
 * as much.
 */
export function getRow(
  database: BinaryDatabase,
  key: Uint8Array,
  transaction?: Transaction,
): Uint8Array | undefined {
  const reader = database as unknown as FastReader;
  const options = transaction === undefined ? undefined : { transaction };
  // The memory of these bytes is reused by the next read.
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
  // For lmdb-js a reverse range starts at its upper end, which is exclusive here.
  const bounds = reverse
    ? { start: high, end: low, reverse, exclusiveStart: true, inclusiveEnd: true }
    : { start: low, end: high };
  const rows = database.getRange({ ...bounds, ...held }) as Iterable<KeyValueRow>;
  return endingOnce(rows, atEnd);
}

interface RangeReading {
  readonly transaction?: Transaction;
  /**
   * Called at the end of the range; throws where rows may be missing. After MDB_PANIC a cursor that lmdb-js
   * reuses ends without an error, but a lookup throws.
   */
  readonly atEnd?: () => void;
}

/**
 * Ends the iterator once: lmdb-js takes its cursor back at every end, also a second time. A generator ends
 * once.
 */
function* endingOnce(rows: Iterable<KeyValueRow>, atEnd: () => void): Generator<KeyValueRow, undefined> {
  try {
    yield* rows;
  } finally {
    atEnd();
  }
}

/** Returns the key as the type that lmdb-js declares. It takes any array of bytes, so no Buffer is made. */
export function asKey(bytes: Uint8Array): Buffer {
  return bytes as Buffer;
}
