// The rows of a list, a slice at a time: other requests, and heartbeats, come between.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from '../engines/engine.ts';
import type { Candidate, ListOptions } from '../farm/queries.ts';
import type { StateReader } from '../state/state-view.ts';

/** Rows that one turn of the event loop looks at. */
export const LIST_SLICE_ROWS = 500;

/** What is listed, and how. */
export interface Listing<Row extends { readonly id: string }> {
  readonly path: string;
  /** What the keys of its rows begin with. */
  readonly collection: string;
  readonly scan: (reader: StateReader, options: ListOptions) => Iterable<Candidate<Row>>;
  readonly present: (row: Row) => object;
  /** What was asked for beside the part of the list. */
  readonly filters?: Readonly<Record<string, string>>;
}

/** Which part of it. */
export interface ListPart {
  /** Undefined: all of it. */
  readonly limit: number | undefined;
  readonly after: string | undefined;
}

/** Of a page, one row more than it holds tells that there is a next one. Each slice asks for the state anew. */
export async function* slicesOf<Row extends { readonly id: string }>(
  engine: Engine,
  { scan }: Listing<Row>,
  { limit, after }: ListPart,
): AsyncGenerator<readonly Row[]> {
  let wanted = limit === undefined ? Number.POSITIVE_INFINITY : limit + 1;
  let lastId = after;
  for (;;) {
    const rows: Row[] = [];
    let scanned = 0;
    for (const { id, row } of scan(engine.state(), { after: lastId, limit: LIST_SLICE_ROWS })) {
      scanned += 1;
      lastId = id;
      if (row !== undefined) rows.push(row);
      if (rows.length === wanted) break;
    }
    yield rows;
    wanted -= rows.length;
    if (wanted === 0 || scanned < LIST_SLICE_ROWS) return;
    await nextTurn();
  }
}

/** As the elements of a JSON array, without what encloses them. */
export function elementsText<Row extends { readonly id: string }>(
  { present }: Listing<Row>,
  rows: readonly Row[],
): string {
  let text = '';
  for (const row of rows) text += `${text === '' ? '' : ','}${JSON.stringify(present(row))}`;
  return text;
}
