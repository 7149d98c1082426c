// Checks one tree of a data file. Branch pages are read in the order of keys. Leaf pages, nearly all of the
// file, are read in the order of the file, many at a time: a tree that grew by random keys has its leaves in
// random order.

import { isDeepStrictEqual } from 'node:util';
import type { AdjacentRow } from '../../codec/sealed-record.ts';
import { type DataFileReader, TOO_SHORT } from '../lmdb/data-file-reader.ts';
import type { CompareKeys } from '../lmdb/key-order.ts';
import {
  check,
  Damage,
  type Meta,
  NOT_ON_OVERFLOW,
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
  readonly meta: Meta;
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

class TreeVerification {
  readonly #tree: Tree;
  readonly #parts: TreeParts;
  readonly #leaves: PendingLeaves;
  readonly #leafCheck = leafCheck();
  /** The cursor over the memory of the check, which is shared: a block is read and checked in one step. */
  readonly #leaf: PageCursor;
  readonly #counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
  /** The first pending leaf, in the order of keys, with a refused row. */
  #refusedLeaf = Number.POSITIVE_INFINITY;
  /** The error for the leaf's first refused row. */
  #refusal: unknown;

  constructor(tree: Tree, parts: TreeParts) {
    this.#tree = tree;
    this.#parts = parts;
    this.#leaves = new PendingLeaves(parts.meta.lastPage + 1, parts);
    this.#leaf = new PageCursor(this.#leafCheck.pages, parts.meta);
  }

  *steps(): Steps {
    const { name, root, depth, ...counts } = this.#tree;
    if (root !== undefined) {
      check(depth >= 1 && depth <= MAX_DEPTH, `the tree of ${name} has an impossible depth`);
      if (depth === 1) this.#addLeaf(root);
      else yield* this.#enter(root, 1);
      yield* this.#checkLeaves();
    }
    const isAsCounted = isDeepStrictEqual(this.#counts, counts);
    check(isAsCounted, `the tree of ${name} does not have the size in its meta page`);
  }

  /**
   * Enters a branch page. Pages at the tree's depth count as leaves; their kind is checked when they are
   * read.
   */
  *#enter(page: number, depth: number): Steps {
    const { reader, claims, meta } = this.#parts;
    claims.claim('used', page);
    const branch = new PageCursor(reader.read(page * meta.pageBytes, meta.pageBytes), meta);
    branch.moveTo(page, 0);
    check(branch.isBranch, `the tree of ${this.#tree.name} has leaves of different depth`);
    check(branch.records > 0, `page ${page} is an empty branch page`);
    this.#counts.branchPages++;
    for (let position = 0; position < branch.records; position++) {
      branch.moveToBranchRecord(position);
      if (position > 0) {
        check(this.#leaves.addSeparator(branch), MISPLACED_KEY);
        if (this.#leaves.isFull) yield* this.#checkLeaves();
      }
      if (depth + 1 === this.#tree.depth) this.#addLeaf(branch.child);
      else yield* this.#enter(branch.child, depth + 1);
    }
    yield;
  }

  #addLeaf(page: number): void {
    this.#parts.claims.claim('unreadLeaf', page);
    this.#leaves.addLeaf(page);
  }

  /**
   * Checks the pending leaves, in the order of the file. If rows are refused, the error of the first one in
   * the order of keys counts. So a store of another format is refused by its identity row, which says so, and
   * not by a later row with another kind of seal.
   */
  *#checkLeaves(): Steps {
    const { claims, reader, meta } = this.#parts;
    const leaf = this.#leaf;
    const maxPages = Math.floor(leaf.bytes.length / meta.pageBytes);
    let block = claims.nextLeaves(0, maxPages);
    while (block !== undefined) {
      const { first, last } = block;
      reader.fill(leaf.bytes.subarray(0, (last - first + 1) * meta.pageBytes), first * meta.pageBytes);
      for (let page = first; page <= last; page++) {
        if (!claims.takeLeaf(page)) continue;
        const start = (page - first) * meta.pageBytes;
        leaf.moveTo(page, start);
        check(!leaf.isBranch, `the tree of ${this.#tree.name} has leaves of different depth`);
        if (leaf.records > 0) this.#checkLeaf(this.#leaves.leafOf(page), start);
        this.#counts.leafPages++;
        this.#counts.entries += leaf.records;
      }
      yield;
      block = claims.nextLeaves(last + 1, maxPages);
    }
    if (this.#refusedLeaf !== Number.POSITIVE_INFINITY) throw this.#refusal;
    this.#leaves.clear();
  }

  /** Checks a leaf with records. Its first and last key must be where lookups find them. */
  #checkLeaf(number: number, start: number): void {
    const leaf = this.#leaf;
    leaf.moveToLeafRecord(0);
    check(this.#leaves.isWithin(number, leaf), MISPLACED_KEY);
    if (!this.#isSealed(start)) this.#checkRows(number);
    leaf.moveToLeafRecord(leaf.records - 1);
    check(this.#leaves.isWithin(number, leaf), MISPLACED_KEY);
  }

  /**
   * Returns whether the leaf at `start`, whose first record the cursor is at, is sound and its rows need no
   * other check than their seals.
   */
  #isSealed(start: number): boolean {
    const { sealVouchesFrom, compare, meta } = this.#parts;
    if (sealVouchesFrom === undefined) return false;
    const { bytes, keyStart, keyEnd } = this.#leaf;
    const areVouchedFor = compare(sealVouchesFrom, 0, sealVouchesFrom.length, bytes, keyStart, keyEnd) <= 0;
    return areVouchedFor && this.#leafCheck.areSound(start, meta.pageBytes);
  }

  #checkRows(number: number): void {
    const [leaf, compare] = [this.#leaf, this.#parts.compare];
    const { bytes, records } = leaf;
    for (let position = 0; position < records; position++) {
      const { keyStart: lastStart, keyEnd: lastEnd } = leaf;
      leaf.moveToLeafRecord(position);
      const { keyStart, keyEnd } = leaf;
      if (keyStart === keyEnd) throw new Damage('a key is empty');
      if (position > 0 && compare(bytes, lastStart, lastEnd, bytes, keyStart, keyEnd) >= 0) {
        throw new Damage('keys are out of order');
      }
      if (leaf.overflowPage !== NOT_ON_OVERFLOW) this.#claimOverflow();
      if (number < this.#refusedLeaf) this.#visit(number);
    }
  }

  /** Visits the row at the leaf cursor. */
  #visit(number: number): void {
    const row = this.#row();
    try {
      this.#parts.visit(row);
    } catch (error) {
      if (error instanceof Damage) throw error;
      this.#refusedLeaf = number;
      this.#refusal = error;
    }
  }

  #claimOverflow(): void {
    const { reader, claims, meta } = this.#parts;
    const { overflowPage } = this.#leaf;
    const pages = this.#leaf.overflowPages(reader.read(overflowPage * meta.pageBytes, PAGE_HEADER_BYTES));
    claims.claim('used', overflowPage, pages);
    this.#counts.overflowPages += pages;
  }

  /** Returns the row at the leaf cursor. A value on overflow pages is read and joined to its key. */
  #row(): AdjacentRow {
    const { bytes, keyStart, keyEnd, dataEnd, overflowPage, dataBytes } = this.#leaf;
    if (overflowPage === NOT_ON_OVERFLOW) return { bytes, keyStart, valueStart: keyEnd, valueEnd: dataEnd };
    const { reader, meta } = this.#parts;
    const position = overflowPage * meta.pageBytes + PAGE_HEADER_BYTES;
    check(position + dataBytes <= reader.fileBytes, TOO_SHORT);
    const valueStart = keyEnd - keyStart;
    const joined = Buffer.allocUnsafeSlow(valueStart + dataBytes);
    joined.set(bytes.subarray(keyStart, keyEnd));
    reader.fill(joined.subarray(valueStart), position);
    return { bytes: joined, keyStart: 0, valueStart, valueEnd: joined.length };
  }
}
