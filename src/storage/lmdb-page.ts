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

export interface BranchNode {
  /** Empty in the first node of a page. */
  readonly key: Buffer;
  readonly child: number;
}

export interface LeafNode {
  readonly key: Buffer;
  /** The data itself, or where it is. */
  readonly data: Buffer | { readonly page: number; readonly bytes: number };
}

/** The transaction that wrote a page of a tree. `bytes` is its header. */
export function writingTransaction(bytes: Buffer): number {
  return u64(bytes, 8);
}

export function isBranchPage(page: Buffer, pageNumber: number): boolean {
  check(u64(page, 0) === pageNumber, `page ${pageNumber} bears another number`);
  const kind = page.readUInt16LE(18);
  check(kind === P_BRANCH || kind === P_LEAF, `page ${pageNumber} is neither branch nor leaf`);
  return kind === P_BRANCH;
}

export function branchNodes(page: Buffer, pageNumber: number): BranchNode[] {
  return nodeOffsets(page, pageNumber).map((at) => {
    const key = nodeKey(page, at, pageNumber);
    return { key, child: page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 0x1_0000_0000 };
  });
}

export function leafNodes(page: Buffer, pageNumber: number): LeafNode[] {
  return nodeOffsets(page, pageNumber).map((at) => {
    const key = nodeKey(page, at, pageNumber);
    const dataBytes = page.readUInt32LE(at);
    const flags = page.readUInt16LE(at + 4);
    check(flags === 0 || flags === F_BIGDATA, `page ${pageNumber} has a record of an unknown kind`);
    const dataAt = at + NODE_HEADER_BYTES + key.length;
    if (flags === F_BIGDATA) {
      check(dataAt + 8 <= page.length, `page ${pageNumber} has a record beyond its end`);
      return { key, data: { page: u64(page, dataAt), bytes: dataBytes } };
    }
    check(dataAt + dataBytes <= page.length, `page ${pageNumber} has a record beyond its end`);
    return { key, data: page.subarray(dataAt, dataAt + dataBytes) };
  });
}

/** How many pages the data that begins on this overflow page takes. `bytes` is the page's header. */
export function overflowPageCount(
  bytes: Buffer,
  pageNumber: number,
  options: { dataBytes: number; pageBytes: number },
) {
  check(u64(bytes, 0) === pageNumber, `page ${pageNumber} bears another number`);
  check((bytes.readUInt16LE(18) & P_OVERFLOW) !== 0, `page ${pageNumber} is no overflow page`);
  const pages = bytes.readUInt32LE(20);
  const needed = Math.ceil((PAGE_HEADER_BYTES + options.dataBytes) / options.pageBytes);
  check(pages >= needed, `page ${pageNumber} has not the pages that its record needs`);
  return pages;
}

/**
 * The runs of pages that a record of the free list names. Its words are a count, then page numbers; lmdb-js writes
 * a run as its negated length before its first page, and leaves zeros where it used pages up.
 */
export function freeRuns(data: Buffer): { page: number; length: number }[] {
  check(data.length >= 8 && data.length % 8 === 0, 'a record of the free list is cut off');
  const count = u64(data, 0);
  check((count + 1) * 8 <= data.length, 'a record of the free list is cut off');
  const runs: { page: number; length: number }[] = [];
  let length = 1;
  for (let word = 1; word <= count; word++) {
    const value = data.readBigInt64LE(word * 8);
    if (value < 0n) {
      length = Number(-value);
    } else {
      if (value > 0n) runs.push({ page: Number(value), length });
      length = 1;
    }
  }
  return runs;
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Damage(what);
}

function nodeOffsets(page: Buffer, pageNumber: number): number[] {
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  const space = page.length - NODE_BASE;
  check(lower % 2 === 0 && lower <= upper && upper <= space, `page ${pageNumber} has a damaged header`);
  const offsets: number[] = [];
  for (let at = 0; at < lower; at += 2) {
    const offset = page.readUInt16LE(NODE_BASE + at);
    check(
      offset >= upper && offset + NODE_HEADER_BYTES <= space,
      `page ${pageNumber} has a record outside of its records`,
    );
    offsets.push(NODE_BASE + offset);
  }
  return offsets;
}

function nodeKey(page: Buffer, at: number, pageNumber: number): Buffer {
  const keyAt = at + NODE_HEADER_BYTES;
  const end = keyAt + page.readUInt16LE(at + 6);
  check(end <= page.length, `page ${pageNumber} has a key beyond its end`);
  return page.subarray(keyAt, end);
}

/** Page numbers and counts: above 2^53 they are damaged anyway, and fail the checks on them all the same. */
function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}
