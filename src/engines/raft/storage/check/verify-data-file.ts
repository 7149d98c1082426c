// Checks a data file before LMDB maps it. LMDB believes its pages: a damaged one ends the process by a signal, without a
// word, or makes a later write overwrite rows that are in use. So the file is read here first, with nothing believed:
//
// - the two meta pages are those of two consecutive transactions, and of the trees that they name: a rollback by damage does
//   not pass for a state, or looks as a commit does that failed, and is told apart from all other states;
// - every page of both trees is inside the file, bears its own number, is of no later transaction, and is reached once;
//   keys ascend; the counts are those of the meta page;
// - no page is both in use and free, or free twice;
// - every row passes `checkRow` (its checksum), which also finds a key that changed. Rows of which nothing else is asked are
//   checked a page at a time (leaf-check.ts).

import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { AdjacentRow } from '../../codec/sealed-record.ts';
import { compareBytes, compareIntegers } from '../lmdb/key-order.ts';
import {
  check,
  Damage,
  freePages,
  META_BYTES,
  type Meta,
  PAGE_HEADER_BYTES,
  readMeta,
  writingTransaction,
} from '../lmdb/lmdb-page.ts';
import { runAtOnce, type Steps } from '../steps.ts';
import { storeDamaged } from '../storage-errors.ts';
import { DataFileReader } from './data-file-reader.ts';
import { PageClaims } from './page-claims.ts';
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
const NOT_OF_ONE_TRANSACTION = 'a meta page and the trees that it names are not of one transaction';

export interface VerifiedFile {
  /**
   * The last commit was taken back: by LMDB, which could not write its meta page, or by damage. The state before it is whole, and
   * the journal tells whether it is the one that counts.
   */
  readonly isTakenBack: boolean;
}

/** Throws CodedError `store_damaged`, which names the file and what to do. */
export function verifyDataFile(path: string, checkRow?: RowCheck): VerifiedFile {
  try {
    return runAtOnce(verifyFile(path, checkRow));
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw storeDamaged(path, dirname(path), error);
  }
}

/** Of a file that has no journal. Throws Damage. */
export function* verifyImage(path: string, checkRow?: RowCheck): Steps {
  const { isTakenBack } = yield* verifyFile(path, checkRow);
  check(!isTakenBack, NOT_OF_ONE_TRANSACTION);
}

function* verifyFile(path: string, checkRow: RowCheck = () => undefined): Steps<VerifiedFile> {
  const descriptor = openSync(path, 'r');
  try {
    const verification = new FileVerification(new DataFileReader(descriptor), checkRow);
    yield* verification.steps();
    return verification;
  } finally {
    closeSync(descriptor);
  }
}

class FileVerification implements VerifiedFile {
  readonly #reader: DataFileReader;
  readonly #checkRow: RowCheck;
  readonly #meta: Meta;
  readonly #claims: PageClaims;
  readonly isTakenBack: boolean;

  constructor(reader: DataFileReader, checkRow: RowCheck) {
    this.#reader = reader;
    this.#checkRow = checkRow;
    const { latest, before } = this.#readMetas();
    this.#meta = latest;
    this.isTakenBack = this.#isTakenBack(latest, before);
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
  #readMetas(): { latest: Meta; before: Meta } {
    const first = readMeta(this.#reader.read(0, META_BYTES), 0);
    const second = readMeta(this.#reader.read(first.pageBytes, META_BYTES), 1);
    const [a, b] = [first.transaction, second.transaction];
    const isNew = a === 0 && b === 0;
    check(isNew || (Math.abs(a - b) === 1 && a % 2 === 0), 'the meta pages do not belong together');
    check(first.pageBytes === second.pageBytes, 'the meta pages do not belong together');
    return a > b || isNew ? { latest: first, before: second } : { latest: second, before: first };
  }

  /**
   * Each meta page and its trees are of one transaction. Without this a single bit could make the state before the last
   * transaction pass for the latest one. But where a commit's meta page cannot be written, LMDB puts the transaction's number back
   * that stood there, and leaves the trees.
   */
  #isTakenBack(latest: Meta, before: Meta): boolean {
    check(this.#transactionOfTrees(latest) === latest.transaction, NOT_OF_ONE_TRANSACTION);
    const found = this.#transactionOfTrees(before);
    check(found === before.transaction || found === latest.transaction + 1, NOT_OF_ONE_TRANSACTION);
    return found !== before.transaction;
  }

  /**
   * Every transaction writes the root of a tree anew, so the later root tells which one it was. (LMDB reuses no page of the
   * last two states: both are whole.)
   */
  #transactionOfTrees({ pageBytes, rows, freeList }: Meta): number {
    let latest = 0;
    for (const { root } of [rows, freeList]) {
      if (root === undefined) continue;
      latest = Math.max(latest, writingTransaction(this.#reader.read(root * pageBytes, PAGE_HEADER_BYTES)));
    }
    return latest;
  }
}
