// A model of the farm, built from the API's own answers: every acknowledged change is there once, and nothing
// else is. It has no rules for valid requests, only for the promises of an acknowledgement.

import { isDeepStrictEqual } from 'node:util';
import { statusRank } from '../kit/farm-model.ts';
import type { Answer } from './http-answer.ts';
import type { Body } from './http-bodies.ts';
import { Finding } from './idea.ts';

export const COLLECTIONS = ['printers', 'filaments', 'print_jobs'] as const;
export type Collection = (typeof COLLECTIONS)[number];

export type Row = Readonly<Record<string, unknown>> & { readonly id: string };

/** A request as it was sent, with its answer; without one where the connection ended before. */
export interface SentRequest {
  readonly bytes: Uint8Array;
  readonly body: Body | undefined;
  /** The body as it was sent. */
  readonly bodyText: string | undefined;
  readonly key: string | undefined;
  readonly answer: Answer | undefined;
}

const MILLIGRAMS_PER_GRAM = 1_000;

export class HttpModel {
  readonly #rows: Readonly<Record<Collection, Map<string, Row>>> = {
    printers: new Map(),
    filaments: new Map(),
    print_jobs: new Map(),
  };
  /** The text of every answer to a creation or a status change. */
  readonly #said = new Set<string>();
  /** By Idempotency-Key: the request and the answer. */
  readonly #keyed = new Map<string, { readonly request: string; readonly answer: unknown }>();
  readonly #jobsOf = new Map<string, Set<string>>();

  /** Takes one batch, whose requests may have been carried out in any order. */
  learn(requests: readonly SentRequest[]): void {
    const answered = requests.filter(({ answer }) => answer !== undefined);
    for (const sentRequest of answered) this.#checkForm(sentRequest);
    const successes = answered.filter(
      (one) => one.answer?.status === 201 || (one.answer?.status === 200 && isPost(one)),
    );
    for (const one of successes) this.#checkKey(one);
    for (const { answer } of successes) if (answer?.status === 201) this.#created(answer);
    const changes = successes.flatMap(({ answer }) => (answer?.status === 200 ? [answer.json as Row] : []));
    for (const row of changes.sort((a, b) => rankOf(a) - rankOf(b))) this.#changed(row);
    // A key belongs to one batch.
    this.#keyed.clear();
  }

  #checkForm({ body, bodyText, answer }: SentRequest): void {
    if (body === undefined || bodyText === undefined || answer === undefined) return;
    const isRefusedForItsForm = [400, 413, 415, 431].includes(answer.status);
    if (body.isValid && isRefusedForItsForm)
      throw new Finding(`a valid request is refused: ${tell(bodyText, answer)}`);
    if (answer.status === 201) checkEcho(bodyText, answer);
  }

  #checkKey({ bytes, key, answer }: SentRequest): void {
    if (key === undefined) return;
    const request = Buffer.from(bytes).toString('latin1');
    const earlier = this.#keyed.get(key);
    if (earlier === undefined) {
      this.#keyed.set(key, { request, answer: answer?.json });
      return;
    }
    const isSame = isDeepStrictEqual(earlier.answer, answer?.json);
    if (!isSame)
      throw new Finding(`one Idempotency-Key has two answers: ${tell(JSON.stringify(earlier), answer)}`);
  }

  #created(answer: Answer): void {
    const row = answer.json as Row;
    const [, collection] = /^\/api\/v1\/(\w+)\//.exec(answer.headers.get('location') ?? '') ?? [];
    const rows = this.#rows[collection as Collection];
    if (rows === undefined) throw new Finding(`created without a known location: ${tell('', answer)}`);
    const text = JSON.stringify(row);
    if (rows.has(row.id)) {
      // A repeated request gets the first answer again.
      if (this.#said.has(text)) return;
      throw new Finding(`created twice: ${text}, and ${JSON.stringify(rows.get(row.id))}`);
    }
    this.#said.add(text);
    rows.set(row.id, row);
    if (collection === 'print_jobs') this.#noteJob(row);
  }

  #noteJob(row: Row): void {
    const spool = String(row.filament_id);
    this.#jobsOf.set(spool, (this.#jobsOf.get(spool) ?? new Set()).add(row.id));
  }

  #changed(row: Row): void {
    const before = this.#rows.print_jobs.get(row.id);
    if (before === undefined) throw new Finding(`a changed job was never created: ${JSON.stringify(row)}`);
    const text = JSON.stringify(row);
    if (this.#said.has(text)) return;
    if (rankOf(row) <= rankOf(before))
      throw new Finding(`a job went from ${JSON.stringify(before)} to ${text}`);
    this.#said.add(text);
    this.#rows.print_jobs.set(row.id, row);
  }

  /** Takes over a row of a request without an answer. */
  adopt(collection: Collection, row: Row): void {
    const isNew = !this.#rows[collection].has(row.id);
    this.#rows[collection].set(row.id, collection === 'filaments' ? { ...row, ...unreserved(row) } : row);
    if (collection === 'print_jobs' && isNew) this.#noteJob(row);
  }

  has(collection: Collection, id: string): boolean {
    return this.#rows[collection].has(id);
  }

  /** Returns the row as a list must show it. */
  expected(collection: Collection, id: string): Row | undefined {
    const row = this.#rows[collection].get(id);
    return row === undefined || collection !== 'filaments' ? row : this.#spool(row);
  }

  ids(collection: Collection): readonly string[] {
    return [...this.#rows[collection].keys()];
  }

  get size(): number {
    return COLLECTIONS.reduce((sum, collection) => sum + this.#rows[collection].size, 0);
  }

  /** Computes a spool's weights from its jobs: Done took its weight, Queued and Running reserve theirs. */
  #spool(created: Row): Row {
    let [taken, reserved] = [0, 0];
    for (const id of this.#jobsOf.get(created.id) ?? []) {
      const job = this.#rows.print_jobs.get(id);
      const milligrams = milligramsOf(job?.print_weight_in_grams);
      if (job?.status === 'Done') taken += milligrams;
      else if (rankOf(job ?? created) < 2) reserved += milligrams;
    }
    const remaining = milligramsOf(created.remaining_weight_in_grams) - taken;
    return {
      ...created,
      remaining_weight_in_grams: remaining / MILLIGRAMS_PER_GRAM,
      reserved_weight_in_grams: reserved / MILLIGRAMS_PER_GRAM,
      available_weight_in_grams: (remaining - reserved) / MILLIGRAMS_PER_GRAM,
    };
  }
}

/** Checks that every sent field is a field of the API, and is kept as it was sent. */
function checkEcho(bodyText: string, answer: Answer): void {
  const sent = JSON.parse(bodyText) as Record<string, unknown>;
  const row = answer.json as Row;
  for (const [field, value] of Object.entries(sent)) {
    if (!isKept(field, value, row))
      throw new Finding(`${field} was not kept as it was sent: ${tell(bodyText, answer)}`);
  }
}

function isKept(field: string, value: unknown, row: Row): boolean {
  if (!Object.hasOwn(row, field)) return false;
  const kept = row[field];
  switch (field) {
    case 'id':
    case 'printer_id':
    case 'filament_id':
      return kept === (typeof value === 'number' ? String(value) : value);
    case 'type':
      return typeof value === 'string' && (kept === value.trim() || kept === value.trim().toUpperCase());
    case 'status':
      return typeof value === 'string' && value.toLowerCase() === 'queued' && kept === 'Queued';
    default:
      return kept === value;
  }
}

function isPost({ bytes }: SentRequest): boolean {
  return Buffer.from(bytes.subarray(0, 5)).toString('latin1') === 'POST ';
}

function unreserved(row: Row): Partial<Row> {
  return { reserved_weight_in_grams: 0, available_weight_in_grams: row.remaining_weight_in_grams };
}

function rankOf(job: Row): number {
  return statusRank(String(job.status));
}

function milligramsOf(grams: unknown): number {
  return Math.round(Number(grams) * MILLIGRAMS_PER_GRAM);
}

function tell(sent: string, answer: Answer | undefined): string {
  return `${sent.slice(0, 800)} was answered with ${answer?.status} ${JSON.stringify(answer?.json)?.slice(0, 800)}`;
}
