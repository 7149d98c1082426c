// Compares the node's rows with the rows that it has acknowledged.

import { isDeepStrictEqual } from 'node:util';
import type { NodeProcess } from '../kit/node-process.ts';
import { COLLECTIONS, type Collection, type HttpModel, type Row, type SentRequest } from './http-model.ts';
import { Finding } from './idea.ts';

const PAGE_ROWS = 1_000;
const LIST_TIMEOUT_MS = 30_000;

export class HttpFarm {
  readonly #node: NodeProcess;
  readonly #model: HttpModel;

  constructor(node: NodeProcess, model: HttpModel) {
    this.#node = node;
    this.#model = model;
  }

  /** Checks the rows with this batch's prefix, and each acknowledged row without it. */
  async checkBatch(prefix: string, requests: readonly SentRequest[]): Promise<void> {
    for (const collection of COLLECTIONS) {
      const rows = await this.#list(`${collection}?after=${prefix}&limit=${PAGE_ROWS}`);
      const ours = rows.filter(({ id }) => id.startsWith(prefix));
      this.#compare(collection, ours, { ids: (id) => id.startsWith(prefix), requests });
    }
    for (const { answer } of requests) {
      const location = answer?.status === 201 ? answer.headers.get('location') : undefined;
      if (location === undefined || location.includes(prefix)) continue;
      const { status, body } = await this.#node.request(location);
      const collection = location.split('/')[3] as Collection;
      const expected = this.#model.expected(collection, body.id);
      if (status !== 200 || !isDeepStrictEqual(body, expected)) {
        throw new Finding(
          `${location} is ${status} ${JSON.stringify(body)}, and must be ${JSON.stringify(expected)}`,
        );
      }
    }
  }

  /** Checks every row. `requests` are those since the last such check. */
  async checkWhole(requests: readonly SentRequest[]): Promise<void> {
    for (const collection of COLLECTIONS) {
      this.#compare(collection, await this.#list(collection), { ids: () => true, requests });
    }
  }

  #compare(
    collection: Collection,
    rows: readonly Row[],
    { ids, requests }: { ids: (id: string) => boolean; requests: readonly SentRequest[] },
  ): void {
    const found = new Map(rows.map((row) => [row.id, row]));
    if (found.size !== rows.length) throw new Finding(`${collection} has a row twice`);
    for (const row of rows) {
      const isAsSaid = isDeepStrictEqual(row, this.#model.expected(collection, row.id));
      if (!isAsSaid && requests.some((sentRequest) => mayHaveMade(sentRequest, row)))
        this.#model.adopt(collection, row);
    }
    // A second pass: an adopted job changes the expected row of its spool.
    for (const row of rows) {
      const expected = this.#model.expected(collection, row.id);
      if (isDeepStrictEqual(row, expected)) continue;
      // A spool may be compared before some of its jobs are adopted.
      if (collection === 'filaments' && requests.some(({ answer }) => answer === undefined)) continue;
      throw new Finding(
        `${collection} has ${JSON.stringify(row)}, and must have ${JSON.stringify(expected)}`,
      );
    }
    for (const id of this.#model.ids(collection)) {
      if (ids(id) && !found.has(id))
        throw new Finding(`${collection} lacks ${JSON.stringify(id)}, which was acknowledged`);
    }
  }

  async #list(pathAndQuery: string): Promise<readonly Row[]> {
    const { status, body } = await this.#node.request(`/api/v1/${pathAndQuery}`, {
      timeoutMs: LIST_TIMEOUT_MS,
    });
    if (status !== 200) throw new Finding(`the list ${pathAndQuery} is answered with ${status}`);
    return body as readonly Row[];
  }
}

/**
 * Whether an unanswered request may have made this row: it names the row's id, or leaves the id to the node.
 */
function mayHaveMade({ answer, bytes }: SentRequest, row: Row): boolean {
  if (answer !== undefined) return false;
  const text = Buffer.from(bytes).toString('utf8');
  return text.startsWith('POST ') && (text.includes(row.id) || !text.includes('"id"'));
}
