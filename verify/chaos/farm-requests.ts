// Turns the clients' operations into API requests, and the answers into results of the model.

import { unreachable } from '../../src/shared/assert.ts';
import { type ApiAnswer, apiRequest } from '../kit/api-request.ts';
import type { Operation } from './acknowledged.ts';
import type { Ending } from './history.ts';

/** More jobs than a workcell has, and few enough for a single page. */
const MAX_JOBS = 64;
/** The file path of every job, which every answer must show. */
const FILE_PATH = '/models/benchy.gcode';

interface Sending {
  /** The address as host:port. */
  readonly httpAddress: string;
  readonly workcell: string;
  readonly idempotencyKey: string | undefined;
  readonly timeoutMs: number;
}

/** Throws for an answer that docs/api.md does not have for this request. */
export async function send(operation: Operation, sending: Sending): Promise<Ending> {
  const { path, body, isPost } = requestOf(operation, sending.workcell);
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
      ? describeSuccess(operation, sending.workcell, answer)
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

function requestOf(operation: Operation, workcell: string): Request {
  switch (operation.kind) {
    case 'add-printer':
      return posting('printers', { id: workcell, company: 'Prusa', model: 'MK4' });
    case 'add-spool': {
      const { total, remaining } = operation;
      const weights = { total_weight_in_grams: total, remaining_weight_in_grams: remaining };
      return posting('filaments', { id: workcell, type: 'PLA', color: 'Red', ...weights });
    }
    case 'add-job':
      return posting('print_jobs', {
        id: `${workcell}.${operation.job}`,
        printer_id: workcell,
        filament_id: workcell,
        filepath: FILE_PATH,
        print_weight_in_grams: operation.weight,
      });
    case 'set-status': {
      const { job, status } = operation;
      return { path: `/api/v1/print_jobs/${workcell}.${job}/status?status=${status}`, isPost: true };
    }
    case 'read-printer':
      return { path: `/api/v1/printers/${workcell}`, isPost: false };
    case 'read-spool':
      return { path: `/api/v1/filaments/${workcell}`, isPost: false };
    case 'read-jobs':
      return { path: `/api/v1/print_jobs?after=${workcell}.&limit=${MAX_JOBS}`, isPost: false };
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

/** `jobs` must be in the order of their ids. */
export function describeJobs(workcell: string, jobs: readonly JobRow[]): string {
  return jobs
    .filter(({ filament_id }) => filament_id === workcell)
    .map(
      ({ id, status, print_weight_in_grams }) =>
        `${id.slice(workcell.length + 1)}:${status}:${print_weight_in_grams}`,
    )
    .join(' ');
}

function describeSuccess(
  operation: Operation,
  workcell: string,
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
      // No operation changes this field: another value is damage.
      if ((body as JobRow[]).some(({ filepath }) => filepath !== FILE_PATH)) return undefined;
      return describeJobs(workcell, body);
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
