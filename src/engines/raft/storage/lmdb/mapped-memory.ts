// How much of mapped files the system counts as this process's memory.

import { readFileSync } from 'node:fs';

/** Linux: sizes of this process in pages, of which the third are those of files. */
const SIZES_FILE = '/proc/self/statm';
const FILE_PAGES_AT = 2;
/** The kernel counts in its own pages, and Node does not tell their size. With larger ones this counts too little. */
const PAGE_BYTES = 4_096;

export class MappedMemory {
  /** What the program itself and its libraries had when this began. */
  #before = filePages();

  /** Since the beginning. 0 where the system does not tell. */
  get bytes(): number {
    return (filePages() - this.#before) * PAGE_BYTES;
  }

  /** What was mapped is not any more. What the program itself has read of its files since stays, and counts from now on as before. */
  begin(): void {
    this.#before = filePages();
  }
}

function filePages(): number {
  try {
    return Number(readFileSync(SIZES_FILE, 'latin1').split(' ')[FILE_PAGES_AT]);
  } catch {
    // No such file: another system, where nobody counts like this.
    return 0;
  }
}
