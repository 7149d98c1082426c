// Answers with lists: kept ones at once; those that are being put together are joined; long ones are streamed.

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Engine } from '../engines/engine.ts';
import { answerGuarded } from './consistency.ts';
import { type ListAnswer, ListCache, listAnswer, MAX_KEPT_BYTES } from './list-cache.ts';
import { elementsText, type Listing, type ListPart, slicesOf } from './list-slices.ts';

/** Who waits for a list. */
interface Recipient {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Where the next page is. */
  readonly linkTo: (after: string) => string;
}

interface Build {
  /** Of the collection when it began: every row of it is read later. */
  readonly version: number;
  readonly recipients: Recipient[];
}

export class ListAnswers {
  readonly #engine: Engine;
  readonly #cache = new ListCache();
  readonly #builds = new Map<string, Build>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Answers `recipient` with a part of the list that holds all that the state holds now. */
  send<Row extends { readonly id: string }>(
    recipient: Recipient,
    listing: Listing<Row>,
    part: ListPart,
  ): void {
    const key = JSON.stringify([listing.path, part.limit, part.after, listing.filters]);
    const version = this.#engine.state().version(listing.collection);
    const kept = this.#cache.get(key, version);
    if (kept !== undefined) {
      sendAnswer(recipient, kept);
      return;
    }
    const underWay = this.#builds.get(key);
    if (underWay?.version === version) {
      underWay.recipients.push(recipient);
      return;
    }
    const build = { version, recipients: [recipient] };
    this.#builds.set(key, build);
    void this.#carryOut(key, build, listing, part);
  }

  async #carryOut<Row extends { readonly id: string }>(
    key: string,
    build: Build,
    listing: Listing<Row>,
    part: ListPart,
  ): Promise<void> {
    let answer: ListAnswer | undefined;
    try {
      const { limit } = part;
      answer =
        limit === undefined
          ? await this.#wholeList(listing, part)
          : await this.#page(listing, { ...part, limit });
      if (answer !== undefined && this.#engine.state().version(listing.collection) === build.version) {
        this.#cache.keep(key, build.version, answer);
      }
    } catch (error) {
      for (const { reply } of build.recipients) reply.send(error);
      return;
    } finally {
      if (this.#builds.get(key) === build) this.#builds.delete(key);
    }
    // Each for itself: what goes wrong with one answer is none of the others' business.
    for (const recipient of build.recipients) {
      answerGuarded(recipient.reply, () => {
        if (answer !== undefined) sendAnswer(recipient, answer);
        else recipient.reply.send(Readable.from(this.#streamed(listing, part)));
      });
    }
  }

  /** Undefined when it is too long for that, which some of it tells: it is streamed then, from its beginning. */
  async #wholeList<Row extends { readonly id: string }>(
    listing: Listing<Row>,
    part: ListPart,
  ): Promise<ListAnswer | undefined> {
    let text = '';
    for await (const rows of slicesOf(this.#engine, listing, part)) {
      if (rows.length > 0) text += (text === '' ? '' : ',') + elementsText(listing, rows);
      if (text.length > MAX_KEPT_BYTES) return undefined;
    }
    return listAnswer(`[${text}]`, undefined);
  }

  async #page<Row extends { readonly id: string }>(
    listing: Listing<Row>,
    part: ListPart & { readonly limit: number },
  ): Promise<ListAnswer> {
    const found: Row[] = [];
    for await (const rows of slicesOf(this.#engine, listing, part)) {
      for (const row of rows) found.push(row);
    }
    const page = found.slice(0, part.limit);
    return listAnswer(
      `[${elementsText(listing, page)}]`,
      found.length > page.length ? page.at(-1)?.id : undefined,
    );
  }

  /** The text of one array, a slice at a time, as fast as the caller reads. */
  async *#streamed<Row extends { readonly id: string }>(
    listing: Listing<Row>,
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

function sendAnswer({ request, reply, linkTo }: Recipient, { body, etag, nextAfter }: ListAnswer): void {
  reply.header('etag', etag).header('cache-control', 'no-cache');
  if (nextAfter !== undefined) reply.header('link', `<${linkTo(nextAfter)}>; rel="next"`);
  if (isKnown(request.headers['if-none-match'], etag)) reply.code(304).send();
  else reply.send(body);
}

/** Whether the caller has it already (RFC 9110 §13.1.2). */
function isKnown(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  return given.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === etag || trimmed === `W/${etag}`;
  });
}
