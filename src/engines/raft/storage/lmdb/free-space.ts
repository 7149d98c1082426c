// The free space of a store: how much its file system has, how much is reserved, and whether a write may take
// it.

import { statfsSync } from 'node:fs';
import type { CodedError } from '../../../../shared/coded-error.ts';
import type { StorageSpace } from '../../node/ports/key-value-store.ts';
import { diskFull, readError } from '../storage-errors.ts';
import type { BinaryDatabase } from './lmdb-reads.ts';

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
/** With less free space than this, EIO means that the disk is full. */
const NEARLY_FULL_BYTES = 1024 * 1024;

export interface SpaceClaim {
  readonly bytes: number;
  readonly claimedBytes: number;
}

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
    if (
      this.#space === undefined ||
      at - this.#space.at > MAX_SPACE_AGE_MS ||
      !this.#hasPlenty(this.#space)
    ) {
      this.#space = { at, ...this.#measureSpace() };
      this.#bytesSinceSpace = 0;
    }
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
  shortageFor({ bytes, claimedBytes }: SpaceClaim): CodedError | undefined {
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

  #hasPlenty({ freeBytes, reserveBytes }: StorageSpace): boolean {
    return freeBytes - this.#bytesSinceSpace * BYTES_PER_BYTE_PUT > reserveBytes * PLENTY_OF_RESERVES;
  }

  /** Counts free pages of the data file as free space: the file never shrinks. */
  #measureSpace(): StorageSpace {
    const { bavail, blocks, bsize } = statfsSync(this.#directory);
    const { pageSize, filePages, usedPages } = this.#pageCounts();
    return {
      freeBytes: bavail * bsize + Math.max(0, filePages - usedPages) * pageSize,
      reserveBytes: Math.min(MAX_RESERVE_BYTES, Math.floor(blocks * bsize * RESERVE_FRACTION)),
      usedBytes: usedPages * pageSize,
    };
  }

  #pageCounts(): PageCounts {
    try {
      return pageCounts(this.#database());
    } catch (cause) {
      throw readError(this.#directory, cause);
    }
  }

  #fileSystemFreeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize;
  }
}

interface PageCounts {
  readonly pageSize: number;
  readonly filePages: number;
  readonly usedPages: number;
}

function pageCounts(database: BinaryDatabase): PageCounts {
  const stats = database.getStats() as TreeStats & {
    root: TreeStats;
    free: TreeStats;
    lastPageNumber: number;
  };
  const META_PAGES = 2;
  return {
    pageSize: stats.pageSize,
    filePages: stats.lastPageNumber + 1,
    usedPages: META_PAGES + treePages(stats.root) + treePages(stats.free),
  };
}

/** Figures as lmdb-js reports them. */
interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function treePages({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
