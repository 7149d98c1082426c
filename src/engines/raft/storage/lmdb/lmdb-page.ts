// LMDB's file format, version 2, as far as it takes to check a file: pages, nodes and lists of free pages.
// Everything read here may be damaged: what does not fit throws Damage, and no number is believed before it is checked.
// Layout after liblmdb's mdb.c (MDB_page, MDB_node, MDB_meta), little-endian, 64 bits.

/** Why a file is damaged. Caught where the file is known. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

export const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
/** Where a branch or leaf page's node offsets count from. */
const NODE_BASE = PAGE_HEADER_BYTES;

const P_BRANCH = 0x01;
const P_LEAF = 0x02;
const P_OVERFLOW = 0x04;
const P_META = 0x08;
/** A node's data is on overflow pages. */
const F_BIGDATA = 0x01;

const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** The free list has integers for keys, and carries the environment's own flag: the file is no directory. */
const FREE_LIST_FLAGS = 0x08 | 0x4000;
/** Rows have no duplicates and bytewise order. */
const ROWS_FLAGS = 0;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** For `PageCursor.overflowPage`: the data is on the page itself. */
export const NOT_ON_OVERFLOW = -1;

export interface Tree {
  readonly name: 'free list' | 'rows';
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined when the tree is empty. */
  readonly root: number | undefined;
}

export interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly freeList: Tree;
  readonly rows: Tree;
}

/** How much of a page `readMeta` looks at: page header and meta record. */
export const META_BYTES = 160;

/** `bytes` is the beginning of a meta page. */
export function readMeta(bytes: Buffer, pageNumber: number): Meta {
  const what = `meta page ${pageNumber}`;
  check(u64(bytes, 0) === pageNumber && bytes.readUInt16LE(18) === P_META, `${what} is no meta page`);
  check(bytes.readUInt32LE(24) === MAGIC, `${what} does not begin like one`);
  check((bytes.readUInt32LE(28) & 0xffff) === VERSION, `${what} has another format`);
  const pageBytes = bytes.readUInt32LE(48);
  check(pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0, `${what}: page size`);
  return {
    pageBytes,
    freeList: readTree(bytes, 48, 'free list'),
    rows: readTree(bytes, 96, 'rows'),
    lastPage: u64(bytes, 144),
    transaction: u64(bytes, 152),
  };
}

function readTree(bytes: Buffer, at: number, name: Tree['name']): Tree {
  const flags = name === 'rows' ? ROWS_FLAGS : FREE_LIST_FLAGS;
  check(bytes.readUInt16LE(at + 4) === flags, `the tree of ${name} is of another kind`);
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    name,
    depth: bytes.readUInt16LE(at + 6),
    branchPages: u64(bytes, at + 8),
    leafPages: u64(bytes, at + 16),
    overflowPages: u64(bytes, at + 24),
    entries: u64(bytes, at + 32),
    root: root === NO_PAGE ? undefined : u64(bytes, at + 40),
  };
}

/** The transaction that wrote a page of a tree. `bytes` is its header. */
export function writingTransaction(bytes: Buffer): number {
  return u64(bytes, 8);
}

/**
 * A page of a tree, in a buffer that may hold many, and one record of it at a time. A file has a hundred thousand pages
 * and millions of records: no object is made for either, and no message that nobody reads; this one is moved from page
 * to page, and from record to record.
 */
export class PageCursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #pageBytes: number;
  readonly #lastTransaction: number;
  #start = 0;
  #number = 0;
  /** Where records may begin, counted from the page's node base. */
  #firstRecord = 0;

  isBranch = false;
  records = 0;
  /** Of the record: where its key lies in `bytes`. That of the first record of a branch page means nothing. */
  keyStart = 0;
  keyEnd = 0;
  /** Of a record of a branch page: the page below it. */
  child = 0;
  /** Of a record of a leaf page: the data lies from `keyEnd` to here, or on overflow pages, the first of them `overflowPage`. */
  dataEnd = 0;
  overflowPage = 0;
  dataBytes = 0;

  /** `lastTransaction`: the last one of the file; without it, any transaction may have written a page. */
  constructor(bytes: Uint8Array, pageBytes: number, lastTransaction = Number.POSITIVE_INFINITY) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#pageBytes = pageBytes;
    this.#lastTransaction = lastTransaction;
  }

  /** Moves to the page that lies from `start` on, all of it inside of the buffer, and checks its header. */
  moveTo(pageNumber: number, start: number): void {
    const view = this.#view;
    if (u64Of(view, start) !== pageNumber) throw new Damage(`page ${pageNumber} bears another number`);
    if (u64Of(view, start + 8) > this.#lastTransaction) throw new Damage(fromTheFuture(pageNumber));
    const kind = view.getUint16(start + 18, true);
    if (kind !== P_BRANCH && kind !== P_LEAF)
      throw new Damage(`page ${pageNumber} is neither branch nor leaf`);
    const lower = view.getUint16(start + 20, true);
    const upper = view.getUint16(start + 22, true);
    const isInOrder = lower % 2 === 0 && lower <= upper && upper <= this.#pageBytes - NODE_BASE;
    if (!isInOrder) throw new Damage(`page ${pageNumber} has a damaged header`);
    this.#start = start;
    this.#number = pageNumber;
    this.#firstRecord = upper;
    this.isBranch = kind === P_BRANCH;
    this.records = lower / 2;
  }

  /** `position` is below `records`, of a branch page. */
  moveToBranchRecord(position: number): void {
    const at = this.#moveToRecord(position);
    this.child = this.#view.getUint32(at, true) + this.#view.getUint16(at + 4, true) * 0x1_0000_0000;
  }

  /** `position` is below `records`, of a leaf page. */
  moveToLeafRecord(position: number): void {
    const at = this.#moveToRecord(position);
    const flags = this.#view.getUint16(at + 4, true);
    if (flags !== 0 && flags !== F_BIGDATA)
      throw new Damage(`page ${this.#number} has a record of an unknown kind`);
    this.dataBytes = this.#view.getUint32(at, true);
    this.dataEnd = this.keyEnd + (flags === 0 ? this.dataBytes : 8);
    if (this.dataEnd > this.#start + this.#pageBytes) {
      throw new Damage(`page ${this.#number} has a record beyond its end`);
    }
    this.overflowPage = flags === 0 ? NOT_ON_OVERFLOW : u64Of(this.#view, this.keyEnd);
  }

  #moveToRecord(position: number): number {
    const base = this.#start + NODE_BASE;
    const offset = this.#view.getUint16(base + 2 * position, true);
    if (offset < this.#firstRecord || offset + NODE_HEADER_BYTES > this.#pageBytes - NODE_BASE) {
      throw new Damage(`page ${this.#number} has a record outside of its records`);
    }
    const at = base + offset;
    this.keyStart = at + NODE_HEADER_BYTES;
    this.keyEnd = this.keyStart + this.#view.getUint16(at + 6, true);
    if (this.keyEnd > this.#start + this.#pageBytes) {
      throw new Damage(`page ${this.#number} has a key beyond its end`);
    }
    return at;
  }
}

/**
 * LMDB takes a page of a later transaction than the last one for a page that its own transaction has made, in memory: it
 * writes to it where it lies, in the map of the file that nobody may write to, or looks for it for ever.
 */
function fromTheFuture(pageNumber: number): string {
  return `page ${pageNumber} is of a transaction that has not been`;
}

/** How many pages the data that begins on this overflow page takes. `bytes` is the page's header. */
export function overflowPageCount(
  bytes: Buffer,
  pageNumber: number,
  {
    dataBytes,
    pageBytes,
    lastTransaction,
  }: { dataBytes: number; pageBytes: number; lastTransaction: number },
): number {
  check(u64(bytes, 0) === pageNumber, `page ${pageNumber} bears another number`);
  check(writingTransaction(bytes) <= lastTransaction, fromTheFuture(pageNumber));
  check(bytes.readUInt16LE(18) === P_OVERFLOW, `page ${pageNumber} is no overflow page`);
  const pages = bytes.readUInt32LE(20);
  const needed = Math.ceil((PAGE_HEADER_BYTES + dataBytes) / pageBytes);
  check(pages >= needed, `page ${pageNumber} has not the pages that its record needs`);
  return pages;
}

/** The pages that a record of the free list names: a count, then their numbers. */
export function freePages(data: Buffer): number[] {
  check(data.length >= 8 && data.length % 8 === 0, 'a record of the free list is cut off');
  const count = u64(data, 0);
  check((count + 1) * 8 <= data.length, 'a record of the free list is cut off');
  const pages: number[] = [];
  for (let word = 1; word <= count; word++) pages.push(u64(data, word * 8));
  return pages;
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Damage(what);
}

/** Page numbers and counts: above 2^53 they are damaged anyway, and fail the checks on them all the same. */
function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

function u64Of(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
