// Checks a data file before LMDB maps it. LMDB believes its pages: a damaged one ends the process by a signal, without a
// word, or makes a later write overwrite rows that are in use. So the file is read here first, with nothing believed:
//
// - the two meta pages are those of two consecutive transactions: a rollback by damage does not pass for a state;
// - every page of both trees is inside the file, bears its own number, and is reached once; keys ascend; the
//   counts are those of the meta page;
// - no page is both in use and free, or free twice;
// - every row passes `checkRow` (its checksum), which also finds a key that changed.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../shared/coded-error.ts';
import {
  branchNodes,
  check,
  Damage,
  freeRuns,
  isBranchPage,
  type LeafNode,
  leafNodes,
  META_BYTES,
  type Meta,
  overflowPageCount,
  PAGE_HEADER_BYTES,
  readMeta,
  type Tree,
  writingTransaction,
} from './lmdb-page.ts';

/**
 * Throws CodedError `record_damaged` when the row is not as it was written; any other error is about more than this row,
 * and is what opening the store rejects with. The bytes are valid during the call only.
 */
export type RowCheck = (key: Uint8Array, value: Uint8Array) => void;

/** LMDB's cursors go no deeper. */
const MAX_DEPTH = 32;
/** What one transaction may take at the end of the file and give back. */
const MAX_UNWRITTEN_PAGES = 65_536;

/** What a page was found to be. */
const UNSEEN = 0;
const FREE = 1;
const USED = 2;

/** Throws CodedError `store_damaged`, which names the file and what to do. */
export function verifyDataFile(path: string, checkRow: RowCheck = () => undefined): void {
  const descriptor = openSync(path, 'r');
  try {
    new FileVerification(descriptor, checkRow).run();
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new CodedError(
      'store_damaged',
      `${path} is damaged (${error.message}). Move ${dirname(path)} away and start the node with -clean -join ` +
        'and the address of another member: it is rebuilt from the others',
      { fields: { file: path, reason: error.message }, cause: error },
    );
  } finally {
    closeSync(descriptor);
  }
}

class FileVerification {
  readonly #descriptor: number;
  readonly #checkRow: RowCheck;
  readonly #meta: Meta;
  readonly #fileBytes: number;
  /** One byte a page: FREE or USED once it is accounted for. */
  readonly #pages: Uint8Array;

  constructor(descriptor: number, checkRow: RowCheck) {
    this.#descriptor = descriptor;
    this.#checkRow = checkRow;
    this.#fileBytes = fstatSync(descriptor).size;
    this.#meta = this.#readMetas();
    const { lastPage } = this.#meta;
    // The last pages may be free and never written, but not many: a damaged count must not make us reserve more.
    const mostPages = 2 * Math.ceil(this.#fileBytes / this.#meta.pageBytes) + MAX_UNWRITTEN_PAGES;
    check(lastPage >= 1 && lastPage < mostPages, 'the number of pages is out of range');
    this.#pages = new Uint8Array(lastPage + 1);
    this.#pages.fill(USED, 0, 2);
  }

  run(): void {
    const { rows, freeList } = this.#meta;
    this.#verifyTree(rows, Buffer.compare, (node) => {
      this.#checkedRow(node.key, this.#dataOf(node));
    });
    this.#verifyTree(freeList, compareIntegers, (node) => {
      check(node.key.length === 8, 'the free list has a key of another length');
      for (const run of freeRuns(this.#dataOf(node))) this.#claim(run.page, run.length, FREE);
    });
  }

  #checkedRow(key: Buffer, value: Buffer): void {
    try {
      this.#checkRow(key, value);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'record_damaged') throw error;
      throw new Damage(error.message);
    }
  }

  /** Transaction n writes meta page n % 2, so the two are always of neighbouring transactions, or both new. */
  #readMetas(): Meta {
    const first = readMeta(this.#read(0, META_BYTES), 0);
    const second = readMeta(this.#read(first.pageBytes, META_BYTES), 1);
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
      latest = Math.max(latest, writingTransaction(this.#read(root * pageBytes, PAGE_HEADER_BYTES)));
    }
    check(latest === transaction, 'a meta page and the trees that it names are not of one transaction');
  }

  #verifyTree(tree: Tree, compare: (a: Buffer, b: Buffer) => number, visit: (node: LeafNode) => void): void {
    const walk = new TreeWalk(compare);
    const descend = (pageNumber: number, depth: number, least: Buffer | undefined): void => {
      check(depth <= MAX_DEPTH && depth <= tree.depth, `the tree of ${tree.name} is deeper than it says`);
      this.#claim(pageNumber, 1, USED);
      const page = this.#read(pageNumber * this.#meta.pageBytes, this.#meta.pageBytes);
      if (!isBranchPage(page, pageNumber)) {
        check(depth === tree.depth, `the tree of ${tree.name} is not of one depth`);
        walk.leafPages++;
        for (const node of leafNodes(page, pageNumber)) {
          walk.next(node.key, least);
          if (!Buffer.isBuffer(node.data)) walk.overflowPages += this.#claimOverflow(node.data);
          visit(node);
        }
        return;
      }
      walk.branchPages++;
      const nodes = branchNodes(page, pageNumber);
      for (const [position, { key, child }] of nodes.entries()) {
        if (position > 0) walk.separator(key);
        descend(child, depth + 1, position > 0 ? key : least);
      }
    };
    if (tree.root !== undefined) descend(tree.root, 1, undefined);
    const isAsCounted =
      walk.entries === tree.entries &&
      walk.branchPages === tree.branchPages &&
      walk.leafPages === tree.leafPages &&
      walk.overflowPages === tree.overflowPages;
    check(isAsCounted, `the tree of ${tree.name} has not the size that it says`);
  }

  #claimOverflow({ page, bytes }: { page: number; bytes: number }): number {
    check(page <= this.#meta.lastPage, `page ${page} is beyond the last one`);
    const header = this.#read(page * this.#meta.pageBytes, PAGE_HEADER_BYTES);
    const pages = overflowPageCount(header, page, { dataBytes: bytes, pageBytes: this.#meta.pageBytes });
    this.#claim(page, pages, USED);
    return pages;
  }

  #dataOf({ data }: LeafNode): Buffer {
    if (Buffer.isBuffer(data)) return data;
    return this.#read(data.page * this.#meta.pageBytes + PAGE_HEADER_BYTES, data.bytes);
  }

  #claim(first: number, length: number, as: number): void {
    const isInside = first >= 2 && length >= 1 && first + length - 1 <= this.#meta.lastPage;
    check(isInside, `page ${first} is beyond the last one`);
    for (let page = first; page < first + length; page++) {
      check(this.#pages[page] === UNSEEN, `page ${page} is accounted for twice`);
      this.#pages[page] = as;
    }
  }

  #read(position: number, length: number): Buffer {
    check(position + length <= this.#fileBytes, 'the file ends too early');
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; ) {
      const count = this.#readSome(bytes.subarray(at), position + at);
      check(count > 0, 'the file ends too early');
      at += count;
    }
    return bytes;
  }

  #readSome(target: Buffer, position: number): number {
    try {
      return readSync(this.#descriptor, target, 0, target.length, position);
    } catch (cause) {
      throw new Damage(`it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}

/** Holds that the keys of a tree ascend, and counts what is there. */
class TreeWalk {
  entries = 0;
  branchPages = 0;
  leafPages = 0;
  overflowPages = 0;
  readonly #compare: (a: Buffer, b: Buffer) => number;
  #last: Buffer | undefined;

  constructor(compare: (a: Buffer, b: Buffer) => number) {
    this.#compare = compare;
  }

  /** `least` is the separator that stands before the key's page. */
  next(key: Buffer, least: Buffer | undefined): void {
    check(key.length > 0, 'a key is empty');
    check(this.#last === undefined || this.#compare(this.#last, key) < 0, 'keys are out of order');
    check(
      least === undefined || this.#compare(least, key) <= 0,
      'a key is on a page where it is not looked for',
    );
    this.#last = key;
    this.entries++;
  }

  separator(key: Buffer): void {
    const isAfter = this.#last === undefined || this.#compare(this.#last, key) < 0;
    check(isAfter, 'a key is on a page where it is not looked for');
  }
}

/** Keys of the free list are transaction numbers, little-endian. */
function compareIntegers(a: Buffer, b: Buffer): number {
  if (a.length !== 8 || b.length !== 8) return Buffer.compare(a, b);
  const difference = a.readBigUInt64LE() - b.readBigUInt64LE();
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
