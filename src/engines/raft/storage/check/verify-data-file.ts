// Checks a data file before LMDB maps it. LMDB trusts its pages: a damaged one ends the process by a signal,
// or makes a later write overwrite rows. The check accepts a file when:
//
// - the two meta pages are of consecutive transactions, and each of the transaction that wrote its trees. A
//   rollback of the last commit, by LMDB or by damage, is reported;
// - every page of both trees is inside the file, has its own number, is not of a later transaction, and is
//   reached once; keys ascend; the counts are those of the meta page;
// - no page is both in use and free, or free twice;
// - every row passes `checkRow` (its checksum), which also finds a key that changed. Rows of which nothing
//   else is asked are checked a page at a time (leaf-check.ts).

import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { AdjacentRow } from '../../codec/sealed-record.ts';
import { DataFileReader } from '../lmdb/data-file-reader.ts';
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
import { PageClaims } from './page-claims.ts';
import { verifyTree } from './verify-tree.ts';

/**
 * Throws CodedError `record_damaged` for a damaged row. Any other error is about the whole store, and opening
 * the store rejects with it. Rows come in any order; their bytes are valid during the call only. If several
 * rows are refused, the error of the first one in the order of keys counts.
 */
export interface RowCheck {
  (row: AdjacentRow): void;
  /** Rows from this key on need only match their seals, and may be checked without this function. */
  readonly sealVouchesFrom?: Uint8Array;
}

/** Bounds the pages that one transaction may take at the end of the file and free again. */
const MAX_UNWRITTEN_PAGES = 65_536;
const FREE_LIST_KEY_BYTES = 8;
const NOT_OF_ONE_TRANSACTION = 'a meta page and the trees that it names are not of one transaction';

interface VerifiedFile {
  /**
   * True when the last commit was rolled back, by LMDB after a failed write of its meta page or by damage.
   * The state before it is complete; the journal tells whether rows are missing.
   */
  readonly isRolledBack: boolean;
}

/** Checks the file and throws CodedError `store_damaged`, which names the file and says what to do. */
export function verifyDataFile(path: string, checkRow?: RowCheck): VerifiedFile {
  try {
    return runAtOnce(verifyFile(path, checkRow));
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw storeDamaged(path, dirname(path), error);
  }
}

/** Checks a file without a journal: a rolled back commit is damage. Throws Damage. */
export function* verifyImage(path: string, checkRow?: RowCheck): Steps {
  const { isRolledBack } = yield* verifyFile(path, checkRow);
  check(!isRolledBack, NOT_OF_ONE_TRANSACTION);
}

function* verifyFile(path: string, checkRow: RowCheck = () => undefined): Steps<VerifiedFile> {
  const descriptor = openSync(path, 'r');
  try {
    const reader = new DataFileReader(descriptor);
    const { latest: meta, before } = readMetas(reader);
    const isRolledBack = isRollback(reader, meta, before);
    // The last pages may be free and never written. The bound keeps a damaged count from allocating much
    // memory.
    const mostPages = 2 * Math.ceil(reader.fileBytes / meta.pageBytes) + MAX_UNWRITTEN_PAGES;
    check(meta.lastPage >= 1 && meta.lastPage < mostPages, 'the number of pages is out of range');
    const claims = new PageClaims(meta.lastPage);
    const parts = { reader, claims, meta };
    const { sealVouchesFrom } = checkRow;
    yield* verifyTree(meta.rows, { ...parts, compare: compareBytes, visit: checkRow, sealVouchesFrom });
    const claimFree = (row: AdjacentRow): void => {
      for (const page of freePagesOf(row)) claims.claim('free', page);
    };
    yield* verifyTree(meta.freeList, { ...parts, compare: compareIntegers, visit: claimFree });
    return { isRolledBack };
  } catch (error) {
    throw error instanceof CodedError && error.code === 'record_damaged' ? new Damage(error.message) : error;
  } finally {
    closeSync(descriptor);
  }
}

function freePagesOf({ bytes, keyStart, valueStart, valueEnd }: AdjacentRow): number[] {
  check(valueStart - keyStart === FREE_LIST_KEY_BYTES, 'the free list has a key of a wrong length');
  return freePages(Buffer.from(bytes.buffer, bytes.byteOffset + valueStart, valueEnd - valueStart));
}

/**
 * Reads both meta pages. Transaction n writes meta page n % 2, so they are of consecutive transactions, or
 * new.
 */
function readMetas(reader: DataFileReader): { latest: Meta; before: Meta } {
  const first = readMeta(reader.read(0, META_BYTES), 0);
  const second = readMeta(reader.read(first.pageBytes, META_BYTES), 1);
  const [a, b] = [first.transaction, second.transaction];
  const isNew = a === 0 && b === 0;
  check(isNew || (Math.abs(a - b) === 1 && a % 2 === 0), 'the meta pages do not belong together');
  check(first.pageBytes === second.pageBytes, 'the meta pages do not belong together');
  return a > b || isNew ? { latest: first, before: second } : { latest: second, before: first };
}

/**
 * Checks that each meta page and its trees are of one transaction, or a single bit could roll the last
 * transaction back. LMDB itself does so after a failed write of a meta page: it restores the old transaction
 * number, but not the trees. Returns true in that case.
 */
function isRollback(reader: DataFileReader, latest: Meta, before: Meta): boolean {
  check(transactionOfTrees(reader, latest) === latest.transaction, NOT_OF_ONE_TRANSACTION);
  const found = transactionOfTrees(reader, before);
  check(found === before.transaction || found === latest.transaction + 1, NOT_OF_ONE_TRANSACTION);
  return found !== before.transaction;
}

/**
 * Returns the transaction of the later root: every transaction writes the root of a tree anew. LMDB reuses no
 * page of the last two states, so both are complete.
 */
function transactionOfTrees(reader: DataFileReader, { pageBytes, rows, freeList }: Meta): number {
  let latest = 0;
  for (const { root } of [rows, freeList]) {
    if (root === undefined) continue;
    latest = Math.max(latest, writingTransaction(reader.read(root * pageBytes, PAGE_HEADER_BYTES)));
  }
  return latest;
}
