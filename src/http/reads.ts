// Reads: one resource by its id, or a list as a plain JSON array, of any length in bounded memory.

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { QueryOf } from '../api/operations.ts';
import { MAX_LIST_LIMIT } from '../api/schemas/parameters.ts';
import type { ReadOutcome } from '../engines/engine.ts';
import { accepted, type Checked, rejected } from '../farm/model/checked.ts';
import { checkId } from '../farm/model/identifier.ts';
import type { OperationRequest, RawAnswer } from './add-operation.ts';
import type { ApiContext } from './api-context.ts';
import { checkFields, optional } from './check-fields.ts';
import type { ListAnswers, Listing } from './list-answers.ts';
import { engineRefusal, notFound } from './refusals.ts';
import type { ResourceType } from './resources.ts';

type Consistency = 'linearizable' | 'stale';

/** Returns the row as callers see it, or throws `not_found`. */
export function readOne<Row, Shown>(
  context: ApiContext,
  { kind, get, present }: ResourceType<Row, Shown>,
  { params: { id }, query }: Pick<OperationRequest<'getPrinter'>, 'params' | 'query'>,
  reply: FastifyReply,
): Promise<Shown> {
  const { consistency } = checkFields({ consistency: checkConsistency(query.consistency) });
  // No row has a malformed id, and one may be too long for a key of the store.
  if (!checkId(id).ok) throw notFound(kind, id);
  return readable(context, reply, consistency).then(() => {
    const row = get(context.engine.state(), id);
    if (row === undefined) throw notFound(kind, id);
    return present(row);
  });
}

function checkConsistency(value: unknown): Checked<Consistency> {
  if (value === undefined) return accepted('linearizable');
  if (value === 'stale') return accepted('stale');
  return rejected('must be stale, or be left out for a linearizable read');
}

/**
 * Resolves once the caller may read this node's state. A stale read sets two headers that say how old the
 * state may be: `Raft3D-Staleness-Ms` (`unknown` if this node never knew its state to be current) and
 * `Raft3D-Applied-Index`.
 *
 * It waits with `then`: with async functions a read took 12.4 kB of memory, and takes 11.2 kB so.
 */
function readable(
  { engine, soon }: ApiContext,
  reply: FastifyReply,
  consistency: Consistency,
): Promise<void> {
  if (consistency === 'stale') {
    return new Promise<void>(soon).then(() => {
      reply.header('raft3d-staleness-ms', String(engine.stalenessMs() ?? 'unknown'));
      reply.header('raft3d-applied-index', String(engine.position()));
    });
  }
  // A closure around `resolve` makes V8 keep the requests of 256 connections as old objects: 0.8 of the rate.
  return new Promise<ReadOutcome>((resolve) => engine.readBarrier(resolve)).then((outcome) => {
    if (outcome.kind === 'refused') throw engineRefusal(outcome.reason);
  });
}

/** For routes that read lists. */
export interface ListContext extends ApiContext {
  readonly lists: ListAnswers;
}

type ListQuery = ReturnType<typeof checkListQuery>;

function checkListQuery({ consistency, limit, after }: QueryOf<'listPrinters'>) {
  return checkFields({
    consistency: checkConsistency(consistency),
    limit: optional(limit, checkLimit),
    after: optional(after, checkId),
  });
}

function checkLimit(value: unknown): Checked<number> {
  const isInBounds = typeof value === 'number' && value >= 1 && value <= MAX_LIST_LIMIT;
  return isInBounds ? accepted(value) : rejected(`must be an integer from 1 to ${MAX_LIST_LIMIT}`);
}

export function listingOfAll<Row extends { readonly id: string }>(
  resource: ResourceType<Row, unknown>,
): Listing {
  const { path, keyPrefix, list, present } = resource;
  return {
    path,
    keyPrefix,
    filters: {},
    *scan(reader, options) {
      for (const row of list(reader, options)) yield { id: row.id, text: JSON.stringify(present(row)) };
    },
  };
}

/**
 * Returns the rows as one array, in order of ids. A list that takes several turns of the event loop is not a
 * picture of one moment: each row is at least as new as the read, and rows that were added meanwhile may be
 * among them.
 */
export async function readList<Query extends QueryOf<'listPrinters'>>(
  context: ListContext,
  { query: given, headers }: { readonly query: Query; readonly headers: IncomingHttpHeaders },
  reply: FastifyReply,
  listingFor: (query: Query) => Listing,
): Promise<RawAnswer> {
  const query = checkListQuery(given);
  const listing = listingFor(given);
  await readable(context, reply, query.consistency);
  reply.type('application/json; charset=utf-8');
  const list = await context.lists.read(listing, query);
  if (!('etag' in list)) return list;
  const { body, etag, nextAfter } = list;
  reply.header('etag', etag).header('cache-control', 'no-cache');
  if (nextAfter !== undefined) reply.header('link', `<${nextPath(listing, query, nextAfter)}>; rel="next"`);
  if (!isKnown(headers['if-none-match'], etag)) return body;
  reply.code(304);
  return undefined;
}

function nextPath({ path, filters }: Listing, { limit, consistency }: ListQuery, after: string): string {
  const query = new URLSearchParams({ ...filters, limit: String(limit), after });
  if (consistency === 'stale') query.set('consistency', 'stale');
  return `${path}?${query}`;
}

/** Whether the caller has this list already (RFC 9110 §13.1.2). */
function isKnown(given: string | undefined, etag: string): boolean {
  const tags = given?.split(',').map((tag) => tag.trim()) ?? [];
  return tags.some((tag) => tag === '*' || tag === etag || tag === `W/${etag}`);
}
