// Lists as bytes: kept ones at once, ones that are being built shared, long ones streamed.

import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from '../engines/engine.ts';
import type { ListOptions } from '../farm/queries.ts';
import type { StateReader } from '../state/state-view.ts';
import { type ListAnswer, ListCache, listAnswer, MAX_KEPT_BYTES } from './list-cache.ts';

/**
 * Rows that one turn of the event loop looks at: other requests and heartbeats come between.
 * For tests: they make lists of several slices.
 */
export const LIST_SLICE_ROWS = 500;

/** A row that a list looked at, as JSON. `text` is undefined if the row does not match the filters. */
interface Element {
  readonly id: string;
  readonly text: string | undefined;
}

/** A list of one kind of resource, filtered or not. */
export interface Listing {
  /** The path of the collection. */
  readonly path: string;
  /** The prefix of the keys of its rows. */
  readonly keyPrefix: string;
  /** The filters as query parameters. */
  readonly filters: Readonly<Record<string, string>>;
  readonly scan: (reader: StateReader, options: ListOptions) => Iterable<Element>;
}

/** The part of a list that was asked for. */
interface ListPart {
  /** Undefined: all of it. */
  readonly limit: number | undefined;
  readonly after: string | undefined;
}

interface Build {
  /** The collection's version before the build read any row. */
  readonly version: number;
  /** Undefined for a list that is too long to be kept. */
  readonly answer: Promise<ListAnswer | undefined>;
}

export class ListAnswers {
  readonly #engine: Engine;
  readonly #cache = new ListCache();
  readonly #builds = new Map<string, Build>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Returns a part of the list as the state holds it now or later. A list too long to be kept is a stream.
   */
  async read(listing: Listing, part: ListPart): Promise<ListAnswer | Readable> {
    const key = JSON.stringify([listing.path, part.limit, part.after, listing.filters]);
    const version = this.#engine.state().version(listing.keyPrefix);
    const kept = this.#cache.get(key, version);
    if (kept !== undefined) return kept;
    let build = this.#builds.get(key);
    if (build?.version !== version) {
      build = { version, answer: this.#build(key, version, listing, part) };
      this.#builds.set(key, build);
    }
    return (await build.answer) ?? Readable.from(this.#streamed(listing, part));
  }

  async #build(
    key: string,
    version: number,
    listing: Listing,
    part: ListPart,
  ): Promise<ListAnswer | undefined> {
    try {
      const answer = await this.#answer(listing, part);
      const isStillTrue = this.#engine.state().version(listing.keyPrefix) === version;
      if (answer !== undefined && isStillTrue) this.#cache.keep(key, version, answer);
      return answer;
    } finally {
      if (this.#builds.get(key)?.version === version) this.#builds.delete(key);
    }
  }

  async #answer(listing: Listing, part: ListPart): Promise<ListAnswer | undefined> {
    let text = '';
    let count = 0;
    let lastId: string | undefined;
    for await (const elements of this.#slices(listing, part)) {
      for (const element of elements) {
        if (count === part.limit) return listAnswer(`[${text}]`, lastId);
        text += count === 0 ? element.text : `,${element.text}`;
        count += 1;
        lastId = element.id;
      }
      if (part.limit === undefined && text.length > MAX_KEPT_BYTES) return undefined;
    }
    return listAnswer(`[${text}]`, undefined);
  }

  /** Yields the text of one array, a slice at a time, as fast as the caller reads. */
  async *#streamed(listing: Listing, part: ListPart): AsyncGenerator<string> {
    let separator = '[';
    for await (const elements of this.#slices(listing, part)) {
      if (elements.length === 0) continue;
      yield separator + elements.map(({ text }) => text).join();
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  }

  /**
   * Yields the rows that match, one more than a page holds where there is a next page. Reads the state anew
   * for each slice.
   */
  async *#slices({ scan }: Listing, { limit, after }: ListPart): AsyncGenerator<readonly Element[]> {
    let wanted = limit === undefined ? Number.POSITIVE_INFINITY : limit + 1;
    let lastId = after;
    for (;;) {
      const elements: Element[] = [];
      let scanned = 0;
      for (const element of scan(this.#engine.state(), { after: lastId, limit: LIST_SLICE_ROWS })) {
        scanned += 1;
        lastId = element.id;
        if (element.text !== undefined) elements.push(element);
        if (elements.length === wanted) break;
      }
      yield elements;
      wanted -= elements.length;
      if (wanted === 0 || scanned < LIST_SLICE_ROWS) return;
      await nextTurn();
    }
  }
}
