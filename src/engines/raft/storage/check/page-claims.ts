// Records what each page of a data file is used for: a page may have one use only.

import { check } from '../lmdb/lmdb-page.ts';

const UNSEEN = 0;
/** An unread leaf becomes used when it is read. */
const USES = { free: 1, used: 2, unreadLeaf: 3 };

/** Pages 0 and 1 are the meta pages. */
const FIRST_PAGE = 2;

export class PageClaims {
  /** One byte for each page. */
  readonly #pages: Uint8Array;

  constructor(lastPage: number) {
    this.#pages = new Uint8Array(lastPage + 1);
    this.#pages.fill(USES.used, 0, FIRST_PAGE);
  }

  claim(use: keyof typeof USES, first: number, pages = 1): void {
    const isInside = first >= FIRST_PAGE && pages >= 1 && first + pages <= this.#pages.length;
    if (!isInside) check(false, `page ${first} is beyond the last page`);
    for (let page = first; page < first + pages; page++) {
      if (this.#pages[page] !== UNSEEN) check(false, `page ${page} is used twice`);
      this.#pages[page] = USES[use];
    }
  }

  /** Returns the first unread leaf from page `from` on and the last one within `maxPages`, or undefined. */
  nextLeaves(from: number, maxPages: number): { first: number; last: number } | undefined {
    const first = this.#pages.indexOf(USES.unreadLeaf, from);
    if (first < 0) return undefined;
    return { first, last: this.#pages.lastIndexOf(USES.unreadLeaf, first + maxPages - 1) };
  }

  /** Returns whether the page is an unread leaf, which counts as read from now on. */
  takeLeaf(page: number): boolean {
    if (this.#pages[page] !== USES.unreadLeaf) return false;
    this.#pages[page] = USES.used;
    return true;
  }
}
