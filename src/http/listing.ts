// Lists as plain JSON arrays, of any length in bounded memory.

import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { accepted, type Checked, rejected } from '../farm/checked.ts';
import { checkId } from '../farm/identifier.ts';
import type { ListOptions } from '../farm/queries.ts';
import type { StateReader } from '../farm/state-view.ts';
import type { ApiContext } from './api-context.ts';
import { checkFields, optional } from './check-fields.ts';
import { type Consistency, checkConsistency, prepareRead } from './consistency.ts';

export const MAX_LIST_LIMIT = 1_000;
/** Rows that one turn of the event loop looks at: other requests, and heartbeats, come between. */
export const LIST_SLICE_ROWS = 500;

export type ListQuery = {
  readonly consistency: Consistency;
  readonly limit: number | undefined;
  readonly after: string | undefined;
};

/** What is listed, and how. */
export interface Listing<Row extends { readonly id: string }> {
  readonly path: string;
  readonly scan: (reader: StateReader, options: ListOptions) => Iterable<Row>;
  readonly present: (row: Row) => object;
  /** Left out when every row is wanted. */
  readonly filter?: {
    readonly matches: (row: Row) => boolean;
    readonly query: Readonly<Record<string, string>>;
  };
}

interface Slice<Row> {
  readonly rows: readonly Row[];
  readonly isLast: boolean;
}

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
export async function sendList<Row extends { readonly id: string }>(
  context: ApiContext,
  reply: FastifyReply,
  listing: Listing<Row>,
  query: ListQuery,
): Promise<FastifyReply> {
  await prepareRead(context, reply, query.consistency);
  reply.type('application/json; charset=utf-8');
  return query.limit === undefined
    ? sendAll(context, reply, listing, query)
    : sendPage(context, reply, listing, { ...query, limit: query.limit });
}

async function sendPage<Row extends { readonly id: string }>(
  context: ApiContext,
  reply: FastifyReply,
  listing: Listing<Row>,
  query: ListQuery & { readonly limit: number },
): Promise<FastifyReply> {
  const rows: Row[] = [];
  for await (const slice of slicesOf(context, listing, query)) {
    rows.push(...slice.rows);
    // One row more than the page holds tells that there is a next one.
    if (rows.length > query.limit) break;
  }
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  if (rows.length > page.length && last !== undefined) {
    reply.header('link', `<${nextPath(listing, query, last.id)}>; rel="next"`);
  }
  return reply.send(page.map(listing.present));
}

function nextPath<Row extends { readonly id: string }>(
  { path, filter }: Listing<Row>,
  { limit, consistency }: ListQuery & { readonly limit: number },
  after: string,
): string {
  const query = new URLSearchParams({ ...filter?.query, limit: String(limit), after });
  if (consistency === 'stale') query.set('consistency', 'stale');
  return `${path}?${query}`;
}

async function sendAll<Row extends { readonly id: string }>(
  context: ApiContext,
  reply: FastifyReply,
  listing: Listing<Row>,
  query: ListQuery,
): Promise<FastifyReply> {
  const slices = slicesOf(context, listing, query);
  const first = await slices.next();
  // Most lists are short: they go out whole, with their length.
  if (first.done === true) return reply.send([]);
  if (first.value.isLast) return reply.send(first.value.rows.map(listing.present));
  return reply.send(Readable.from(arrayText(listing, first.value, slices)));
}

/** The text of one array, a slice at a time, as fast as the caller reads. */
async function* arrayText<Row extends { readonly id: string }>(
  { present }: Listing<Row>,
  first: Slice<Row>,
  rest: AsyncIterable<Slice<Row>>,
): AsyncGenerator<string> {
  let separator = '[';
  const textOf = ({ rows }: Slice<Row>): string => {
    let text = '';
    for (const row of rows) {
      text += separator + JSON.stringify(present(row));
      separator = ',';
    }
    return text;
  };
  yield textOf(first);
  for await (const slice of rest) yield textOf(slice);
  yield separator === '[' ? '[]' : ']';
}

/** Each slice asks for the state anew: a picture of it is good for one turn only. */
async function* slicesOf<Row extends { readonly id: string }>(
  { engine }: ApiContext,
  { scan, filter }: Listing<Row>,
  { limit, after }: ListQuery,
): AsyncGenerator<Slice<Row>> {
  const isShortPage = limit !== undefined && filter === undefined;
  const sliceRows = isShortPage ? Math.min(limit + 1, LIST_SLICE_ROWS) : LIST_SLICE_ROWS;
  let lastId = after;
  for (;;) {
    const rows: Row[] = [];
    let scannedRows = 0;
    for (const row of scan(engine.state(), { after: lastId, limit: sliceRows })) {
      scannedRows += 1;
      lastId = row.id;
      if (filter === undefined || filter.matches(row)) rows.push(row);
    }
    const isLast = scannedRows < sliceRows;
    yield { rows, isLast };
    if (isLast) return;
    await nextTurn();
  }
}
