// Lists as plain JSON arrays, of any length in bounded memory.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueryOf } from '../api/operations.ts';
import { MAX_LIST_LIMIT } from '../api/schemas/parameters.ts';
import { accepted, type Checked, rejected } from '../farm/model/checked.ts';
import { checkId } from '../farm/model/identifier.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import { everyRow } from '../farm/queries.ts';
import type { RawAnswer } from './add-operation.ts';
import type { ListContext } from './api-context.ts';
import { checkFields, optional } from './check-fields.ts';
import { type Consistency, checkConsistency, readable } from './consistency.ts';
import type { Listing } from './list-slices.ts';
import type { ResourceType } from './resources.ts';

export type ListQuery = {
  readonly consistency: Consistency;
  readonly limit: number | undefined;
  readonly after: string | undefined;
};

export function checkListQuery({ consistency, limit, after }: QueryOf<'listPrinters'>): ListQuery {
  return checkFields<ListQuery>({
    consistency: checkConsistency(consistency),
    limit: optional(limit, checkLimit),
    after: optional(after, checkId),
  });
}

function checkLimit(value: unknown): Checked<number> {
  const isInBounds = typeof value === 'number' && value >= 1 && value <= MAX_LIST_LIMIT;
  return isInBounds ? accepted(value) : rejected(`must be an integer from 1 to ${MAX_LIST_LIMIT}`);
}

export function listingOfAll<Kind extends ResourceKind>(resource: ResourceType<Kind>): Listing<Kind> {
  return { resource, scan: (reader, options) => everyRow(resource.list(reader, options)), filters: {} };
}

/**
 * Returns the rows as one array, in order of ids. A list that takes several turns of the event loop is not a
 * picture of one moment: each row is at least as new as the read, and rows that were added meanwhile may be
 * among them.
 */
export async function readList<Kind extends ResourceKind>(
  context: ListContext,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  listing: Listing<Kind>,
  query: ListQuery,
): Promise<RawAnswer> {
  await readable(context, reply, query.consistency);
  reply.type('application/json; charset=utf-8');
  const list = await context.lists.read(listing, query);
  if (!('etag' in list)) return list;
  const { body, etag, nextAfter } = list;
  reply.header('etag', etag).header('cache-control', 'no-cache');
  if (nextAfter !== undefined) reply.header('link', `<${nextPath(listing, query, nextAfter)}>; rel="next"`);
  if (!isKnown(request.headers['if-none-match'], etag)) return body;
  reply.code(304);
  return undefined;
}

function nextPath<Kind extends ResourceKind>(
  { resource, filters }: Listing<Kind>,
  { limit, consistency }: ListQuery,
  after: string,
): string {
  const query = new URLSearchParams({ ...filters, limit: String(limit), after });
  if (consistency === 'stale') query.set('consistency', 'stale');
  return `${resource.path}?${query}`;
}

/** Whether the caller has this list already (RFC 9110 §13.1.2). */
function isKnown(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  return given.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === etag || trimmed === `W/${etag}`;
  });
}
