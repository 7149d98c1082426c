// The rows of a list, a slice at a time, so that other requests and heartbeats come between.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from '../engines/engine.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { Candidate, ListOptions } from '../farm/queries.ts';
import type { StateReader } from '../state/state-view.ts';
import type { ResourceType, Rows } from './resources.ts';

/** Rows that one turn of the event loop looks at. */
export const LIST_SLICE_ROWS = 500;

/** A list of one kind of resource, filtered or not. */
export interface Listing<Kind extends ResourceKind> {
  readonly resource: ResourceType<Kind>;
  readonly scan: (reader: StateReader, options: ListOptions) => Iterable<Candidate<Rows[Kind]>>;
  /** The filters as query parameters. */
  readonly filters: Readonly<Record<string, string>>;
}

/** The part of a list that was asked for. */
export interface ListPart {
  /** Undefined: all of it. */
  readonly limit: number | undefined;
  readonly after: string | undefined;
}

/** Yields one row more than a page holds where there is a next page. Reads the state anew for each slice. */
export async function* slicesOf<Kind extends ResourceKind>(
  engine: Engine,
  { scan }: Listing<Kind>,
  { limit, after }: ListPart,
): AsyncGenerator<readonly Rows[Kind][]> {
  let wanted = limit === undefined ? Number.POSITIVE_INFINITY : limit + 1;
  let lastId = after;
  for (;;) {
    const rows: Rows[Kind][] = [];
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

/** The rows as elements of a JSON array, without its brackets. */
export function elementsText<Kind extends ResourceKind>(
  { resource }: Listing<Kind>,
  rows: readonly Rows[Kind][],
): string {
  let text = '';
  for (const row of rows) text += `${text === '' ? '' : ','}${JSON.stringify(resource.present(row))}`;
  return text;
}
