// The parts of LMDB's file format (version 2) that the check of a file needs: pages, nodes and lists of free
// pages. All bytes read here may be damaged: every number is checked before use, and Damage is thrown for a
// wrong one. The layout is that of liblmdb's mdb.c (MDB_page, MDB_node, MDB_meta), little-endian, 64 bits.

/** The reason why a file is damaged. Caught where the file is known. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

export const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
/** The node offsets of a branch or leaf page count from here. */
const NODE_BASE = PAGE_HEADER_BYTES;

const P_BRANCH = 0x01;
const P_LEAF = 0x02;
const P_OVERFLOW = 0x04;
const P_META = 0x08;
/** The flag of a node whose data is on overflow pages. */
const F_BIGDATA = 0x01;

const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** The free list has integer keys, and also the flag of an environment that is a file and not a directory. */
const FREE_LIST_FLAGS = 0x08 | 0x4000;
/** Rows have no duplicates and are in bytewise order. */
const ROWS_FLAGS = 0;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** The value of `PageCursor.overflowPage` for data on the page itself. */
export const NOT_ON_OVERFLOW = -1;

export type Meta = ReturnType<typeof readMeta>;
export type Tree = ReturnType<typeof readTree>;

/** The bytes of a page that `readMeta` needs: page header and meta record. */
export const META_BYTES = 160;

/** Reads a meta page; `bytes` is its beginning. */
export function readMeta(bytes: Buffer, pageNumber: number) {
  const what = `meta page ${pageNumber}`;
  check(u64(bytes, 0) === pageNumber && bytes.readUInt16LE(18) === P_META, `${what} is not a meta page`);
  check(bytes.readUInt32LE(24) === MAGIC, `${what} does not begin as one`);
  check((bytes.readUInt32LE(28) & 0xffff) === VERSION, `${what} has another format version`);
  const pageBytes = bytes.readUInt32LE(48);
  const isPageSize = pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0;
  check(isPageSize, `${what} has a wrong page size`);
  return {
    pageBytes,
    freeList: readTree(bytes, 48, 'free list'),
    rows: readTree(bytes, 96, 'rows'),
    lastPage: u64(bytes, 144),
    transaction: u64(bytes, 152),
  };
}

function readTree(bytes: Buffer, at: number, name: 'free list' | 'rows') {
  const flags = name === 'rows' ? ROWS_FLAGS : FREE_LIST_FLAGS;
  check(bytes.readUInt16LE(at + 4) === flags, `the tree of ${name} has wrong flags`);
  return {
    name,
    depth: bytes.readUInt16LE(at + 6),
    branchPages: u64(bytes, at + 8),
    leafPages: u64(bytes, at + 16),
    overflowPages: u64(bytes, at + 24),
    entries: u64(bytes, at + 32),
    /** Undefined when the tree is empty. */
    root: bytes.readBigUInt64LE(at + 40) === NO_PAGE ? undefined : u64(bytes, at + 40),
  };
}

/** Returns the transaction that wrote a page; `bytes` is the page's header. */
export function writingTransaction(bytes: Buffer): number {
  return u64(bytes, 8);
}

/**
 * A cursor over the pages of a tree in a buffer, and over the records of a page. A file has a hundred
 * thousand pages and millions of records, so no object is made for either. A failed check makes its message
 * only when it throws.
 */
export class PageCursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #pageBytes: number;
  readonly #lastTransaction: number;
  #start = 0;
  #number = 0;
  /** The lowest offset of a record, counted from the page's node base. */
  #firstRecord = 0;

  isBranch = false;
  records = 0;
  /** The record's key in `bytes`. The key of a branch page's first record has no meaning. */
  keyStart = 0;
  keyEnd = 0;
  /** The page below a record of a branch page. */
  child = 0;
  /** The data of a leaf's record: from `keyEnd` to `dataEnd`, or on overflow pages from `overflowPage` on. */
  dataEnd = 0;
  overflowPage = 0;
  dataBytes = 0;

  /** Pages of transactions after `transaction`, the last one of the file, count as damaged. */
  constructor(bytes: Uint8Array, { pageBytes, transaction }: Meta) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#pageBytes = pageBytes;
    this.#lastTransaction = transaction;
  }

  /** Moves to the page at `start`, which is completely in the buffer, and checks the page's header. */
  moveTo(pageNumber: number, start: number): void {
    const view = this.#view;
    if (u64Of(view, start) !== pageNumber) throw new Damage(`page ${pageNumber} has another number`);
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

  /** Moves to a record of a branch page; `position` is below `records`. */
  moveToBranchRecord(position: number): void {
    const at = this.#moveToRecord(position);
    this.child = this.#view.getUint32(at, true) + this.#view.getUint16(at + 4, true) * 0x1_0000_0000;
  }

  /** Moves to a record of a leaf page; `position` is below `records`. */
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

  /**
   * Returns the number of overflow pages that the record's data is on. `header` is that of the first one.
   */
  overflowPages(header: Buffer): number {
    const first = this.overflowPage;
    check(u64(header, 0) === first, `page ${first} has another number`);
    check(writingTransaction(header) <= this.#lastTransaction, fromTheFuture(first));
    check(header.readUInt16LE(18) === P_OVERFLOW, `page ${first} is not an overflow page`);
    const pages = header.readUInt32LE(20);
    const needed = Math.ceil((PAGE_HEADER_BYTES + this.dataBytes) / this.#pageBytes);
    check(pages >= needed, `page ${first} has fewer pages than its record needs`);
    return pages;
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
 * LMDB takes a page of a later transaction for one that its current transaction made in memory. It then
 * writes to the read-only map, which ends the process, or searches for the page for ever.
 */
function fromTheFuture(pageNumber: number): string {
  return `page ${pageNumber} is of a later transaction than the file`;
}

/** Returns the pages that a record of the free list names; the record is a count and their numbers. */
export function freePages(data: Buffer): number[] {
  check(data.length >= 8 && data.length % 8 === 0, 'a record of the free list is truncated');
  const count = u64(data, 0);
  check((count + 1) * 8 <= data.length, 'a record of the free list is truncated');
  const pages: number[] = [];
  for (let word = 1; word <= count; word++) pages.push(u64(data, word * 8));
  return pages;
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Damage(what);
}

/** Reads a page number or a count. Above 2^53 it loses precision, but is damaged and fails its checks. */
function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

function u64Of(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
