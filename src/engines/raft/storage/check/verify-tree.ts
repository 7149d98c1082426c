// Checks one tree of a data file. Branch pages are read in the order of keys. Leaf pages, nearly all of the
// file, are read in the order of the file, many at a time: a tree that grew by random keys has its leaves in
// random order.

import type { AdjacentRow } from '../../codec/sealed-record.ts';
import { type DataFileReader, TOO_SHORT } from '../lmdb/data-file-reader.ts';
import type { CompareKeys } from '../lmdb/key-order.ts';
import {
  check,
  Damage,
  NOT_ON_OVERFLOW,
  overflowPageCount,
  PAGE_HEADER_BYTES,
  PageCursor,
  type Tree,
} from '../lmdb/lmdb-page.ts';
import type { Steps } from '../steps.ts';
import { leafCheck } from './leaf-check.ts';
import type { PageClaims } from './page-claims.ts';
import { PendingLeaves } from './pending-leaves.ts';

/** The largest depth that LMDB's cursors support. */
const MAX_DEPTH = 32;

const MISPLACED_KEY = 'a key is on a page where lookups do not find it';

interface TreeParts {
  readonly reader: DataFileReader;
  readonly claims: PageClaims;
  readonly pageBytes: number;
  readonly pageCount: number;
  /** The last transaction of the file: no page may be of a later one. */
  readonly lastTransaction: number;
  readonly compare: CompareKeys;
  /**
   * Gets every row, in any order; the row is valid during the call only. Throws Damage, or an error of its
   * own: then `verifyTree` throws the error for the first refused row in the order of keys.
   */
  readonly visit: (row: AdjacentRow) => void;
  /** Rows from this key on need only match their seals: `visit` is not called for most of them. */
  readonly sealVouchesFrom?: Uint8Array | undefined;
  /** Set by tests; the default is in `PendingLeaves`. */
  readonly maxSeparatorBytes?: number;
}

/** Throws Damage, or what `visit` throws. */
export function verifyTree(tree: Tree, parts: TreeParts): Steps {
  return new TreeVerification(tree, parts).steps();
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** Carries an error of `visit` to the caller. */
class Refusal extends Error {}

class TreeVerification {
  readonly #tree: Tree;
  readonly #parts: TreeParts;
  readonly #leaves: PendingLeaves;
  /** The cursors for branch pages, by depth. */
  readonly #branches: PageCursor[] = [];
  readonly #leafCheck = leafCheck();
  /** The cursor over the memory of the check, which is shared: a block is read and checked in one step. */
  readonly #leaf: PageCursor;
  readonly #pagesPerBlock: number;
  readonly #row: Writable<AdjacentRow> = {
    bytes: new Uint8Array(0),
    keyStart: 0,
    valueStart: 0,
    valueEnd: 0,
  };
  /** A key followed by its value from overflow pages. */
  #joined: Buffer = Buffer.alloc(0);
  #entries = 0;
  #branchPages = 0;
  #leafPages = 0;
  #overflowPages = 0;

  constructor(tree: Tree, parts: TreeParts) {
    this.#tree = tree;
    this.#parts = parts;
    const { pageBytes, pageCount, lastTransaction, compare } = parts;
    this.#leaves = new PendingLeaves(pageCount, compare, parts);
    const { pages } = this.#leafCheck;
    this.#pagesPerBlock = Math.floor(pages.length / pageBytes);
    this.#leaf = new PageCursor(pages, pageBytes, lastTransaction);
  }

  *steps(): Steps {
    const { name, root, depth, ...counts } = this.#tree;
    if (root !== undefined) {
      check(depth >= 1 && depth <= MAX_DEPTH, `the tree of ${name} has an impossible depth`);
      if (depth === 1) this.#addLeaf(root);
      else yield* this.#enter(root, 1);
      yield* this.#checkLeaves();
    }
    const isAsCounted =
      this.#entries === counts.entries &&
      this.#branchPages === counts.branchPages &&
      this.#leafPages === counts.leafPages &&
      this.#overflowPages === counts.overflowPages;
    check(isAsCounted, `the tree of ${name} does not have the size in its meta page`);
  }

  /**
   * Enters a branch page. Pages at the tree's depth count as leaves; their kind is checked when they are
   * read.
   */
  *#enter(page: number, depth: number): Steps {
    this.#parts.claims.claimUsed(page, 1);
    const branch = this.#readBranch(page, depth);
    const isLast = depth + 1 === this.#tree.depth;
    for (let position = 0; position < branch.records; position++) {
      branch.moveToBranchRecord(position);
      if (position > 0) {
        this.#addSeparator(branch);
        if (this.#leaves.isFull) yield* this.#checkPendingLeaves();
      }
      if (isLast) this.#addLeaf(branch.child);
      else yield* this.#enter(branch.child, depth + 1);
    }
    yield;
  }

  #addLeaf(page: number): void {
    this.#parts.claims.claimLeaf(page);
    this.#leaves.addLeaf(page);
  }

  #readBranch(page: number, depth: number): PageCursor {
    const { reader, pageBytes, lastTransaction } = this.#parts;
    this.#branches[depth] ??= new PageCursor(new Uint8Array(pageBytes), pageBytes, lastTransaction);
    const branch = this.#branches[depth];
    reader.readInto(branch.bytes, 0, { position: page * pageBytes, length: pageBytes });
    branch.moveTo(page, 0);
    check(branch.isBranch, `the tree of ${this.#tree.name} has leaves of different depth`);
    check(branch.records > 0, `page ${page} is an empty branch page`);
    this.#branchPages++;
    return branch;
  }

  #addSeparator({ bytes, keyStart, keyEnd }: PageCursor): void {
    const isAfter = this.#leaves.addSeparator(bytes, keyStart, keyEnd);
    check(isAfter, MISPLACED_KEY);
  }

  // ------------------------------------------------------------ leaves

  *#checkPendingLeaves(): Steps {
    yield* this.#checkLeaves();
    this.#leaves.clear();
  }

  *#checkLeaves(): Steps {
    try {
      yield* this.#checkLeavesInFileOrder();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      yield* this.#visitInKeyOrder();
      throw error.cause;
    }
  }

  *#checkLeavesInFileOrder(): Steps {
    const { claims, reader, pageBytes } = this.#parts;
    let first = claims.firstUnreadLeaf(0);
    while (first !== undefined) {
      const last = claims.lastUnreadLeaf(first + this.#pagesPerBlock - 1);
      const length = (last - first + 1) * pageBytes;
      reader.readInto(this.#leaf.bytes, 0, { position: first * pageBytes, length });
      for (let page = first; page <= last; page++) {
        if (!claims.isUnreadLeaf(page)) continue;
        const start = (page - first) * pageBytes;
        this.#leaf.moveTo(page, start);
        check(!this.#leaf.isBranch, `the tree of ${this.#tree.name} has leaves of different depth`);
        if (this.#isSealedLeaf(start)) this.#checkEnds(this.#leaves.leafOf(page));
        else this.#checkLeaf(this.#leaves.leafOf(page));
        this.#leafPages++;
        this.#entries += this.#leaf.records;
        claims.onLeafRead(page);
      }
      first = claims.firstUnreadLeaf(last + 1);
      yield;
    }
  }

  #checkLeaf(number: number): void {
    const [leaf, compare] = [this.#leaf, this.#parts.compare];
    const { bytes, records } = leaf;
    for (let position = 0; position < records; position++) {
      const { keyStart: lastStart, keyEnd: lastEnd } = leaf;
      leaf.moveToLeafRecord(position);
      const { keyStart, keyEnd } = leaf;
      if (keyStart === keyEnd) throw new Damage('a key is empty');
      if (position === 0) this.#checkFirst(number);
      else if (compare(bytes, lastStart, lastEnd, bytes, keyStart, keyEnd) >= 0) {
        throw new Damage('keys are out of order');
      }
      if (leaf.overflowPage !== NOT_ON_OVERFLOW) this.#claimOverflow();
      this.#visit();
    }
    if (records > 0) this.#checkLast(number);
  }

  /** Returns whether the leaf at `start` is sound, and its rows need no other check than their seals. */
  #isSealedLeaf(start: number): boolean {
    const { sealVouchesFrom, compare, pageBytes } = this.#parts;
    if (sealVouchesFrom === undefined || this.#leaf.records === 0) return false;
    this.#leaf.moveToLeafRecord(0);
    const { bytes, keyStart, keyEnd } = this.#leaf;
    const areVouchedFor = compare(sealVouchesFrom, 0, sealVouchesFrom.length, bytes, keyStart, keyEnd) <= 0;
    return areVouchedFor && this.#leafCheck.areSound(start, pageBytes);
  }

  /** Checks that the first and last key of a sound leaf, which is not empty, are where lookups find them. */
  #checkEnds(number: number): void {
    this.#leaf.moveToLeafRecord(0);
    this.#checkFirst(number);
    this.#leaf.moveToLeafRecord(this.#leaf.records - 1);
    this.#checkLast(number);
  }

  /** Checks the first key of the leaf, where the cursor is. */
  #checkFirst(number: number): void {
    const { bytes, keyStart, keyEnd } = this.#leaf;
    const isAfter = this.#leaves.isFromLeafOn(number, bytes, keyStart, keyEnd);
    check(isAfter, MISPLACED_KEY);
  }

  /** Checks the last key of the leaf, where the cursor is. */
  #checkLast(number: number): void {
    const { bytes, keyStart, keyEnd } = this.#leaf;
    const isBefore = this.#leaves.isBeforeNextLeaf(number, bytes, keyStart, keyEnd);
    check(isBefore, MISPLACED_KEY);
  }

  /**
   * Throws the error of the first refused row in the order of keys. So a store of another format is refused
   * by its identity row, which says so, and not by a later row with another kind of seal.
   */
  *#visitInKeyOrder(): Steps {
    const { reader, pageBytes } = this.#parts;
    for (const page of this.#leaves.pages) {
      reader.readInto(this.#leaf.bytes, 0, { position: page * pageBytes, length: pageBytes });
      this.#leaf.moveTo(page, 0);
      for (let position = 0; position < this.#leaf.records; position++) {
        this.#leaf.moveToLeafRecord(position);
        try {
          this.#visit();
        } catch (error) {
          throw error instanceof Refusal ? error.cause : error;
        }
      }
      yield;
    }
  }

  /** Visits the row at the leaf cursor. */
  #visit(): void {
    const row = this.#row;
    const { bytes, keyStart, keyEnd, dataEnd, overflowPage } = this.#leaf;
    if (overflowPage === NOT_ON_OVERFLOW) {
      row.bytes = bytes;
      row.keyStart = keyStart;
      row.valueStart = keyEnd;
      row.valueEnd = dataEnd;
    } else this.#joinOverflow();
    try {
      this.#parts.visit(row);
    } catch (cause) {
      throw cause instanceof Damage ? cause : new Refusal('a row was refused', { cause });
    }
  }

  // ------------------------------------------------------------ overflow pages

  #claimOverflow(): void {
    const { reader, claims, pageBytes, pageCount, lastTransaction } = this.#parts;
    const { overflowPage, dataBytes } = this.#leaf;
    check(overflowPage < pageCount, `page ${overflowPage} is beyond the last page`);
    const header = reader.read(overflowPage * pageBytes, PAGE_HEADER_BYTES);
    const pages = overflowPageCount(header, overflowPage, { dataBytes, pageBytes, lastTransaction });
    claims.claimUsed(overflowPage, pages);
    this.#overflowPages += pages;
  }

  /** Joins key and value: a row is checked with its value right after its key. */
  #joinOverflow(): void {
    const { reader, pageBytes } = this.#parts;
    const { bytes, keyStart, keyEnd, overflowPage, dataBytes } = this.#leaf;
    const keyBytes = keyEnd - keyStart;
    const position = overflowPage * pageBytes + PAGE_HEADER_BYTES;
    check(position + dataBytes <= reader.fileBytes, TOO_SHORT);
    const length = keyBytes + dataBytes;
    if (this.#joined.length < length) this.#joined = Buffer.allocUnsafeSlow(length);
    this.#joined.set(bytes.subarray(keyStart, keyEnd));
    reader.readInto(this.#joined, keyBytes, { position, length: dataBytes });
    this.#row.bytes = this.#joined;
    this.#row.keyStart = 0;
    this.#row.valueStart = keyBytes;
    this.#row.valueEnd = length;
  }
}
