// Room for a store in its file system: what is free, what is kept back, and what may still be taken.

import { statfsSync } from 'node:fs';
import type { CodedError } from '../../../shared/coded-error.ts';
import type { StorageSpace } from '../node/ports/key-value-store.ts';
import type { BinaryDatabase } from './lmdb/lmdb-reads.ts';
import { diskFull, explainRead } from './storage-errors.ts';

/** What is kept for votes and membership: this much, or a tenth of a small file system. */
const MAX_RESERVE_BYTES = 32 * 1024 * 1024;
const RESERVE_FRACTION = 0.1;
/** The last of the reserve is for writes that put no more than this: votes, and deletes, which need pages too. */
const SMALL_WRITE_BYTES = 4 * 1024;
const SMALL_WRITES_FRACTION = 0.25;
/** LMDB copies the pages that a write touches: with less than this it is not even tried. */
const MIN_WRITE_BYTES = 64 * 1024;
/** How old `space()` may be … */
const MAX_SPACE_AGE_MS = 100;
/** … while there is plenty left, counting each byte written since as so many: LMDB writes whole pages. */
const BYTES_PER_BYTE_PUT = 8;
const PLENTY_OF_RESERVES = 2;
/** Within this of full, a write that was cut short was cut by lack of room. */
const NEARLY_FULL_BYTES = 1024 * 1024;

export class Room {
  readonly #directory: string;
  readonly #database: () => BinaryDatabase;
  #space: (StorageSpace & { readonly at: number }) | undefined;
  #bytesSinceSpace = 0;

  /** `database` is the one that is open. */
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

  /** So many bytes were put since. */
  taken(bytes: number): void {
    this.#bytesSinceSpace += bytes;
  }

  /** What was measured is not so any more. */
  changed(): void {
    this.#space = undefined;
  }

  isNearlyFull(bytes: number): boolean {
    return this.#fileSystemFreeBytes() < NEARLY_FULL_BYTES + bytes;
  }

  /** Why `bytes` are not to be taken now, where others need `claimedBytes`; undefined when there is room. */
  lackFor(bytes: number, claimedBytes: number): CodedError | undefined {
    const { freeBytes, reserveBytes } = this.space();
    const needed =
      bytes <= SMALL_WRITE_BYTES
        ? MIN_WRITE_BYTES
        : MIN_WRITE_BYTES + bytes + claimedBytes + reserveBytes * SMALL_WRITES_FRACTION;
    return freeBytes >= needed ? undefined : diskFull(this.#directory);
  }

  /** For a file beside this one, which cannot have the free pages of this one. */
  hasBeside(bytes: number): boolean {
    return this.#fileSystemFreeBytes() >= bytes + this.space().reserveBytes;
  }

  #hasPlenty({ freeBytes, reserveBytes }: StorageSpace): boolean {
    return freeBytes - this.#bytesSinceSpace * BYTES_PER_BYTE_PUT > reserveBytes * PLENTY_OF_RESERVES;
  }

  /** Pages of the file that hold nothing now are room too: the file never shrinks. */
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
      throw explainRead(this.#directory, cause);
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

/** As lmdb-js reports them. */
interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function treePages({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
