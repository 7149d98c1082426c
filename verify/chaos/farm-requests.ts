// The clients' operations as requests of the API, and its answers in the words of the model.

import { unreachable } from '../../src/shared/assert.ts';
import { type ApiAnswer, apiRequest } from '../kit/api-request.ts';
import type { Ending } from './history.ts';
import type { Operation } from './model.ts';

/** More than one bench has. Short, so that a list is one moment and not a walk through the farm. */
const MAX_JOBS = 64;
/** Of every job, and so what every answer must say. */
const FILE_PATH = '/models/benchy.gcode';

export interface Sending {
  /** host:port. */
  readonly httpAddress: string;
  readonly bench: string;
  readonly idempotencyKey: string | undefined;
  readonly timeoutMs: number;
}

/** Throws for an answer that no node may give: one that is not in docs/api.md for this request. */
export async function send(operation: Operation, sending: Sending): Promise<Ending> {
  const { path, body, isPost } = requestOf(operation, sending.bench);
  let answer: ApiAnswer;
  try {
    answer = await apiRequest(`http://${sending.httpAddress}${path}`, {
      method: isPost ? 'POST' : 'GET',
      ...(body !== undefined && { body }),
      ...(sending.idempotencyKey !== undefined && {
        headers: { 'idempotency-key': sending.idempotencyKey },
      }),
      timeoutMs: sending.timeoutMs,
    });
  } catch (error) {
    return { kind: wasNeverSent(error) ? 'no-effect' : 'unknown' };
  }
  if (answer.status === 503) return { kind: 'no-effect', code: answer.body?.code };
  if (answer.status === 504) return { kind: 'unknown' };
  const result =
    answer.status < 300
      ? describeSuccess(operation, sending.bench, answer)
      : describeRefusal(operation, answer);
  if (result !== undefined) return { kind: 'answered', result };
  throw new Error(`${operation.kind} was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
}

function wasNeverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

interface Request {
  readonly path: string;
  readonly isPost: boolean;
  readonly body?: object;
}

function requestOf(operation: Operation, bench: string): Request {
  switch (operation.kind) {
    case 'add-printer':
      return posting('printers', { id: bench, company: 'Prusa', model: 'MK4' });
    case 'add-spool': {
      const { total, remaining } = operation;
      const weights = { total_weight_in_grams: total, remaining_weight_in_grams: remaining };
      return posting('filaments', { id: bench, type: 'PLA', color: 'Red', ...weights });
    }
    case 'add-job':
      return posting('print_jobs', {
        id: `${bench}.${operation.job}`,
        printer_id: bench,
        filament_id: bench,
        filepath: FILE_PATH,
        print_weight_in_grams: operation.weight,
      });
    case 'set-status': {
      const { job, status } = operation;
      return { path: `/api/v1/print_jobs/${bench}.${job}/status?status=${status}`, isPost: true };
    }
    case 'read-printer':
      return { path: `/api/v1/printers/${bench}`, isPost: false };
    case 'read-spool':
      return { path: `/api/v1/filaments/${bench}`, isPost: false };
    case 'read-jobs':
      return { path: `/api/v1/print_jobs?after=${bench}.&limit=${MAX_JOBS}`, isPost: false };
    default:
      return unreachable(operation);
  }
}

function posting(collection: string, body: object): Request {
  return { path: `/api/v1/${collection}`, isPost: true, body };
}

export interface SpoolRow {
  readonly id: string;
  readonly total_weight_in_grams: number;
  readonly remaining_weight_in_grams: number;
  readonly reserved_weight_in_grams: number;
}

export interface JobRow {
  readonly id: string;
  readonly filament_id: string;
  readonly filepath?: string;
  readonly print_weight_in_grams: number;
  readonly status: string;
}

export function describeSpool(spool: SpoolRow): string {
  return `${spool.total_weight_in_grams}/${spool.remaining_weight_in_grams}/${spool.reserved_weight_in_grams}`;
}

/** `jobs` in the order of their ids. */
export function describeJobs(bench: string, jobs: readonly JobRow[]): string {
  return jobs
    .filter(({ filament_id }) => filament_id === bench)
    .map(
      ({ id, status, print_weight_in_grams }) =>
        `${id.slice(bench.length + 1)}:${status}:${print_weight_in_grams}`,
    )
    .join(' ');
}

function describeSuccess(
  operation: Operation,
  bench: string,
  { status, body }: ApiAnswer,
): string | undefined {
  const isCreation = operation.kind.startsWith('add-');
  if (status !== (isCreation ? 201 : 200)) return undefined;
  switch (operation.kind) {
    case 'add-printer':
      return 'created';
    case 'add-spool':
      return `created ${describeSpool(body)}`;
    case 'add-job':
      return `created ${body.status} ${body.print_weight_in_grams}`;
    case 'set-status':
      return `changed ${body.status}`;
    case 'read-printer':
      return 'there';
    case 'read-spool':
      return describeSpool(body);
    case 'read-jobs':
      // A field that no operation changes: another value is damage.
      if ((body as JobRow[]).some(({ filepath }) => filepath !== FILE_PATH)) return undefined;
      return describeJobs(bench, body);
    default:
      return unreachable(operation);
  }
}

const REFUSALS = new Set(['already_exists', 'unknown_printer', 'unknown_filament', 'not_found']);

function describeRefusal(operation: Operation, { status, body }: ApiAnswer): string | undefined {
  const code = body?.code;
  if (operation.kind === 'read-printer' || operation.kind === 'read-spool') {
    return status === 404 && code === 'not_found' ? 'none' : undefined;
  }
  if (code === 'insufficient_filament') return `${code} ${body.available}`;
  if (code === 'invalid_transition') return `${code} from ${body.from}`;
  return REFUSALS.has(code) ? code : undefined;
}
