// Records what each page of a data file is used for: a page may have one use only.

import { check } from '../lmdb/lmdb-page.ts';

const UNSEEN = 0;
const FREE = 1;
const USED = 2;
/** A leaf that was not read yet. */
const UNREAD_LEAF = 3;

/** Pages 0 and 1 are the meta pages. */
const FIRST_PAGE = 2;

export class PageClaims {
  /** One byte for each page. */
  readonly #pages: Uint8Array;

  constructor(lastPage: number) {
    this.#pages = new Uint8Array(lastPage + 1);
    this.#pages.fill(USED, 0, FIRST_PAGE);
  }

  claimUsed(first: number, length: number): void {
    this.#claim(first, length, USED);
  }

  claimFree(page: number): void {
    this.#claim(page, 1, FREE);
  }

  claimLeaf(page: number): void {
    this.#claim(page, 1, UNREAD_LEAF);
  }

  isUnreadLeaf(page: number): boolean {
    return this.#pages[page] === UNREAD_LEAF;
  }

  onLeafRead(page: number): void {
    this.#pages[page] = USED;
  }

  /** Returns the first unread leaf from page `from` on, or undefined. */
  firstUnreadLeaf(from: number): number | undefined {
    const page = this.#pages.indexOf(UNREAD_LEAF, from);
    return page < 0 ? undefined : page;
  }

  /** Returns the last unread leaf up to page `upTo`; there must be one. */
  lastUnreadLeaf(upTo: number): number {
    return this.#pages.lastIndexOf(UNREAD_LEAF, upTo);
  }

  #claim(first: number, length: number, as: number): void {
    const isInside = first >= FIRST_PAGE && length >= 1 && first + length <= this.#pages.length;
    if (!isInside) check(false, `page ${first} is beyond the last page`);
    for (let page = first; page < first + length; page++) {
      if (this.#pages[page] !== UNSEEN) check(false, `page ${page} is used twice`);
      this.#pages[page] = as;
    }
  }
}
