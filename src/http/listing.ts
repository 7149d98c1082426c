// Lists as plain JSON arrays, of any length in bounded memory.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { accepted, type Checked, rejected } from '../farm/model/checked.ts';
import { checkId } from '../farm/model/identifier.ts';
import type { ListContext } from './api-context.ts';
import { checkFields, optional } from './check-fields.ts';
import { answerRead, type Consistency, checkConsistency } from './consistency.ts';
import type { Listing } from './list-slices.ts';

export const MAX_LIST_LIMIT = 1_000;

export type ListQuery = {
  readonly consistency: Consistency;
  readonly limit: number | undefined;
  readonly after: string | undefined;
};

export function checkListQuery(query: { limit?: string; after?: string; consistency?: string }): ListQuery {
  return checkFields<ListQuery>({
    consistency: checkConsistency(query.consistency),
    limit: optional(query.limit, checkLimit),
    after: optional(query.after, checkId),
  });
}

function checkLimit(value: unknown): Checked<number> {
  const limit = typeof value === 'string' && /^[0-9]{1,4}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_LIST_LIMIT) return accepted(limit);
  return rejected(`must be an integer from 1 to ${MAX_LIST_LIMIT}`);
}

/**
 * Sends the rows as one array, in order of ids. A list that takes several turns of the event loop is no picture of one
 * moment: each row is at least as new as the read, and rows added meanwhile may be in it.
 */
export function sendList<Row extends { readonly id: string }>(
  context: ListContext,
  exchange: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  listing: Listing<Row>,
  query: ListQuery,
): void {
  const { reply } = exchange;
  const linkTo = (after: string): string => nextPath(listing, query, after);
  answerRead(context, reply, {
    consistency: query.consistency,
    answer: () => {
      reply.type('application/json; charset=utf-8');
      context.lists.send({ ...exchange, linkTo }, listing, query);
    },
  });
}

function nextPath<Row extends { readonly id: string }>(
  { path, filters }: Listing<Row>,
  { limit, consistency }: ListQuery,
  after: string,
): string {
  const query = new URLSearchParams({ ...filters, limit: String(limit), after });
  if (consistency === 'stale') query.set('consistency', 'stale');
  return `${path}?${query}`;
}
