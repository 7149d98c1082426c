// The rows of a list, a slice at a time: other requests, and heartbeats, come between.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListOptions } from '../farm/queries.ts';
import type { StateReader } from '../farm/state-view.ts';
import type { Engine } from '../node/ports.ts';

/** Rows that one turn of the event loop looks at. */
export const LIST_SLICE_ROWS = 500;

/** What is listed, and how. */
export interface Listing<Row extends { readonly id: string }> {
  readonly path: string;
  /** What the keys of its rows begin with. */
  readonly collection: string;
  readonly scan: (reader: StateReader, options: ListOptions) => Iterable<Row>;
  readonly present: (row: Row) => object;
  /** Left out when every row is wanted. */
  readonly filter?: {
    readonly matches: (row: Row) => boolean;
    readonly query: Readonly<Record<string, string>>;
  };
}

/** Which part of it. */
export interface ListPart {
  /** Undefined: all of it. */
  readonly limit: number | undefined;
  readonly after: string | undefined;
}

export interface Slice<Row> {
  readonly rows: readonly Row[];
  readonly isLast: boolean;
}

/** Of a page, one row more than it holds tells that there is a next one. Each slice asks for the state anew. */
export async function* slicesOf<Row extends { readonly id: string }>(
  engine: Engine,
  { scan, filter }: Listing<Row>,
  { limit, after }: ListPart,
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

/** As the elements of a JSON array, without what encloses them. */
export function elementsText<Row extends { readonly id: string }>(
  { present }: Listing<Row>,
  rows: readonly Row[],
): string {
  let text = '';
  for (const row of rows) text += `${text === '' ? '' : ','}${JSON.stringify(present(row))}`;
  return text;
}
