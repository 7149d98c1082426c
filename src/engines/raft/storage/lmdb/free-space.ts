// The free space of a store: how much its file system has, how much is reserved, and whether a write may take
// it.

import { statfsSync } from 'node:fs';
import type { CodedError } from '../../../../shared/coded-error.ts';
import type { StorageSpace } from '../../node/ports/key-value-store.ts';
import { diskFull, readError } from '../storage-errors.ts';
import type { BinaryDatabase } from './data-file.ts';

/** The reserve for votes and membership: this much, or a tenth of a small file system. */
const MAX_RESERVE_BYTES = 32 * 1024 * 1024;
const RESERVE_FRACTION = 0.1;
/**
 * The last part of the reserve is for writes of at most this size: votes, and deletes, which need pages as
 * well.
 */
const SMALL_WRITE_BYTES = 4 * 1024;
const SMALL_WRITES_FRACTION = 0.25;
/** The least free space for any write: LMDB copies the pages that a write touches. */
const MIN_WRITE_BYTES = 64 * 1024;
/** Bounds the age of a measurement while more than PLENTY_OF_RESERVES reserves are free. */
const MAX_SPACE_AGE_MS = 100;
/** Each byte put since the measurement counts as so many, since LMDB writes whole pages. */
const BYTES_PER_BYTE_PUT = 8;
const PLENTY_OF_RESERVES = 2;
const META_PAGES = 2;
/** With less free space than this, EIO means that the disk is full. */
const NEARLY_FULL_BYTES = 1024 * 1024;

export class FreeSpace {
  readonly #directory: string;
  readonly #database: () => BinaryDatabase;
  #space: (StorageSpace & { readonly at: number }) | undefined;
  #bytesSinceSpace = 0;

  /** `database` returns the database that is open. */
  constructor(directory: string, database: () => BinaryDatabase) {
    this.#directory = directory;
    this.#database = database;
  }

  space(): StorageSpace {
    const at = performance.now();
    const space = this.#space;
    const isValid =
      space !== undefined &&
      at - space.at <= MAX_SPACE_AGE_MS &&
      space.freeBytes - this.#bytesSinceSpace * BYTES_PER_BYTE_PUT > space.reserveBytes * PLENTY_OF_RESERVES;
    if (isValid) return space;
    this.#bytesSinceSpace = 0;
    this.#space = { at, ...this.#measureSpace() };
    return this.#space;
  }

  /** Call when so many bytes are put. */
  onPut(bytes: number): void {
    this.#bytesSinceSpace += bytes;
  }

  /** Call when the last measurement is no longer valid. */
  onChange(): void {
    this.#space = undefined;
  }

  isNearlyFull(bytes: number): boolean {
    return this.#fileSystemFreeBytes() < NEARLY_FULL_BYTES + bytes;
  }

  /** Returns `disk_full` when a write of `bytes` must be refused. Other rows will need `claimedBytes`. */
  shortageFor({ bytes, claimedBytes }: { bytes: number; claimedBytes: number }): CodedError | undefined {
    const { freeBytes, reserveBytes } = this.space();
    const needed =
      bytes <= SMALL_WRITE_BYTES
        ? MIN_WRITE_BYTES
        : MIN_WRITE_BYTES + bytes + claimedBytes + reserveBytes * SMALL_WRITES_FRACTION;
    return freeBytes >= needed ? undefined : diskFull(this.#directory);
  }

  /** Returns whether another file of so many bytes fits: it cannot use the free pages of the data file. */
  hasSpaceBeside(bytes: number): boolean {
    return this.#fileSystemFreeBytes() >= bytes + this.space().reserveBytes;
  }

  /** Counts free pages of the data file as free space: the file never shrinks. */
  #measureSpace(): StorageSpace {
    const { bavail, blocks, bsize } = statfsSync(this.#directory);
    const { pageSize, lastPageNumber, root, free } = this.#stats();
    const usedPages = META_PAGES + treePages(root) + treePages(free);
    return {
      freeBytes: bavail * bsize + Math.max(0, lastPageNumber + 1 - usedPages) * pageSize,
      reserveBytes: Math.min(MAX_RESERVE_BYTES, Math.floor(blocks * bsize * RESERVE_FRACTION)),
      usedBytes: usedPages * pageSize,
    };
  }

  #stats(): Stats {
    try {
      return this.#database().getStats() as Stats;
    } catch (cause) {
      throw readError(this.#directory, cause);
    }
  }

  #fileSystemFreeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize;
  }
}

/** Figures as lmdb-js reports them. */
interface Stats {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly root: TreeStats;
  readonly free: TreeStats;
}

type TreeStats = Readonly<Record<'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages', number>>;

function treePages({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
