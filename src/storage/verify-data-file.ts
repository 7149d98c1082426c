// Checks a data file before LMDB maps it. LMDB believes its pages: a damaged one ends the process by a signal, without a
// word, or makes a later write overwrite rows that are in use. So the file is read here first, with nothing believed:
//
// - the two meta pages are those of two consecutive transactions: a rollback by damage does not pass for a state;
// - every page of both trees is inside the file, bears its own number, is of no later transaction, and is reached once;
//   keys ascend; the counts are those of the meta page;
// - no page is both in use and free, or free twice;
// - every row passes `checkRow` (its checksum), which also finds a key that changed. Rows of which nothing else is asked are
//   checked a page at a time (leaf-check.ts).

import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AdjacentRow } from '../codec/sealed-record.ts';
import { CodedError } from '../shared/coded-error.ts';
import { DataFileReader } from './data-file-reader.ts';
import { compareBytes, compareIntegers } from './key-order.ts';
import {
  check,
  Damage,
  freePages,
  META_BYTES,
  type Meta,
  PAGE_HEADER_BYTES,
  readMeta,
  writingTransaction,
} from './lmdb-page.ts';
import { PageClaims } from './page-claims.ts';
import { runAtOnce, type Steps } from './steps.ts';
import { storeDamaged } from './storage-errors.ts';
import { verifyTree } from './verify-tree.ts';

/**
 * Throws CodedError `record_damaged` when the row is not as it was written; any other error is about more than this row,
 * and is what opening the store rejects with. Rows come in any order, and their bytes are valid during the call only; of
 * several errors the one that counts is that of the first row in the order of keys.
 */
export interface RowCheck {
  (row: AdjacentRow): void;
  /** A row with this key, or one behind it, passes when it matches its seal, and need not be handed over. */
  readonly sealVouchesFrom?: Uint8Array;
}

/** What one transaction may take at the end of the file and give back. */
const MAX_UNWRITTEN_PAGES = 65_536;
const FREE_LIST_KEY_BYTES = 8;

/** Throws CodedError `store_damaged`, which names the file and what to do. */
export function verifyDataFile(path: string, checkRow?: RowCheck): void {
  try {
    runAtOnce(verifyFile(path, checkRow));
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw storeDamaged(path, dirname(path), error);
  }
}

/** Throws Damage. */
export function* verifyFile(path: string, checkRow: RowCheck = () => undefined): Steps {
  const descriptor = openSync(path, 'r');
  try {
    yield* new FileVerification(new DataFileReader(descriptor), checkRow).steps();
  } finally {
    closeSync(descriptor);
  }
}

class FileVerification {
  readonly #reader: DataFileReader;
  readonly #checkRow: RowCheck;
  readonly #meta: Meta;
  readonly #claims: PageClaims;

  constructor(reader: DataFileReader, checkRow: RowCheck) {
    this.#reader = reader;
    this.#checkRow = checkRow;
    this.#meta = this.#readMetas();
    const { lastPage } = this.#meta;
    // The last pages may be free and never written, but not many: a damaged count must not make us reserve more.
    const mostPages = 2 * Math.ceil(reader.fileBytes / this.#meta.pageBytes) + MAX_UNWRITTEN_PAGES;
    check(lastPage >= 1 && lastPage < mostPages, 'the number of pages is out of range');
    this.#claims = new PageClaims(lastPage);
  }

  *steps(): Steps {
    const { rows, freeList, pageBytes, lastPage, transaction } = this.#meta;
    const parts = {
      reader: this.#reader,
      claims: this.#claims,
      pageBytes,
      pageCount: lastPage + 1,
      lastTransaction: transaction,
    };
    try {
      yield* verifyTree(rows, {
        ...parts,
        compare: compareBytes,
        visit: this.#checkRow,
        sealVouchesFrom: this.#checkRow.sealVouchesFrom,
      });
    } catch (error) {
      throw error instanceof CodedError && error.code === 'record_damaged'
        ? new Damage(error.message)
        : error;
    }
    yield* verifyTree(freeList, { ...parts, compare: compareIntegers, visit: (row) => this.#claimFree(row) });
  }

  #claimFree({ bytes, keyStart, valueStart, valueEnd }: AdjacentRow): void {
    check(valueStart - keyStart === FREE_LIST_KEY_BYTES, 'the free list has a key of another length');
    const data = Buffer.from(bytes.buffer, bytes.byteOffset + valueStart, valueEnd - valueStart);
    for (const page of freePages(data)) this.#claims.claimFree(page);
  }

  /** Transaction n writes meta page n % 2, so the two are always of neighbouring transactions, or both new. */
  #readMetas(): Meta {
    const first = readMeta(this.#reader.read(0, META_BYTES), 0);
    const second = readMeta(this.#reader.read(first.pageBytes, META_BYTES), 1);
    const [a, b] = [first.transaction, second.transaction];
    const isNew = a === 0 && b === 0;
    check(isNew || (Math.abs(a - b) === 1 && a % 2 === 0), 'the meta pages do not belong together');
    check(first.pageBytes === second.pageBytes, 'the meta pages do not belong together');
    for (const meta of [first, second]) this.#checkRoots(meta);
    return a > b || isNew ? first : second;
  }

  /**
   * Every transaction writes the root of a tree anew, so the later root tells which transaction the meta page is of.
   * Without this a single bit could make the state before the last transaction pass for the latest one.
   * (LMDB reuses no page of the last two states: both are whole.)
   */
  #checkRoots({ pageBytes, transaction, rows, freeList }: Meta): void {
    let latest = 0;
    for (const { root } of [rows, freeList]) {
      if (root === undefined) continue;
      latest = Math.max(latest, writingTransaction(this.#reader.read(root * pageBytes, PAGE_HEADER_BYTES)));
    }
    check(latest === transaction, 'a meta page and the trees that it names are not of one transaction');
  }
}
