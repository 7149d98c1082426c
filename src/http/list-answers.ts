// Lists as bytes: kept ones at once, ones that are being built shared, long ones streamed.

import { Readable } from 'node:stream';
import type { Engine } from '../engines/engine.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import { type ListAnswer, ListCache, listAnswer, MAX_KEPT_BYTES } from './list-cache.ts';
import { elementsText, type Listing, type ListPart, slicesOf } from './list-slices.ts';
import type { Rows } from './resources.ts';

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
  async read<Kind extends ResourceKind>(
    listing: Listing<Kind>,
    part: ListPart,
  ): Promise<ListAnswer | Readable> {
    const { path, keyPrefix } = listing.resource;
    const key = JSON.stringify([path, part.limit, part.after, listing.filters]);
    const version = this.#engine.state().version(keyPrefix);
    const kept = this.#cache.get(key, version);
    if (kept !== undefined) return kept;
    const underWay = this.#builds.get(key);
    const isCurrent = underWay?.version === version;
    const build = isCurrent ? underWay : { version, answer: this.#build(key, version, listing, part) };
    if (!isCurrent) this.#builds.set(key, build);
    return (await build.answer) ?? Readable.from(this.#streamed(listing, part));
  }

  async #build<Kind extends ResourceKind>(
    key: string,
    version: number,
    listing: Listing<Kind>,
    part: ListPart,
  ): Promise<ListAnswer | undefined> {
    const { limit } = part;
    try {
      const answer =
        limit === undefined
          ? await this.#wholeList(listing, part)
          : await this.#page(listing, { ...part, limit });
      const isStillTrue = this.#engine.state().version(listing.resource.keyPrefix) === version;
      if (answer !== undefined && isStillTrue) this.#cache.keep(key, version, answer);
      return answer;
    } finally {
      if (this.#builds.get(key)?.version === version) this.#builds.delete(key);
    }
  }

  async #wholeList<Kind extends ResourceKind>(
    listing: Listing<Kind>,
    part: ListPart,
  ): Promise<ListAnswer | undefined> {
    let text = '';
    for await (const rows of slicesOf(this.#engine, listing, part)) {
      if (rows.length > 0) text += (text === '' ? '' : ',') + elementsText(listing, rows);
      if (text.length > MAX_KEPT_BYTES) return undefined;
    }
    return listAnswer(`[${text}]`, undefined);
  }

  async #page<Kind extends ResourceKind>(
    listing: Listing<Kind>,
    part: ListPart & { readonly limit: number },
  ): Promise<ListAnswer> {
    const found: Rows[Kind][] = [];
    for await (const rows of slicesOf(this.#engine, listing, part)) {
      for (const row of rows) found.push(row);
    }
    const page = found.slice(0, part.limit);
    return listAnswer(
      `[${elementsText(listing, page)}]`,
      found.length > page.length ? page.at(-1)?.id : undefined,
    );
  }

  /** Yields the text of one array, a slice at a time, as fast as the caller reads. */
  async *#streamed<Kind extends ResourceKind>(
    listing: Listing<Kind>,
    part: ListPart,
  ): AsyncGenerator<string> {
    let separator = '[';
    for await (const rows of slicesOf(this.#engine, listing, part)) {
      if (rows.length === 0) continue;
      yield separator + elementsText(listing, rows);
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  }
}
