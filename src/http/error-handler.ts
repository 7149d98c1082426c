// The only place that knows HTTP statuses of errors. Every error leaves as RFC 9457 `application/problem+json`.

import type { FastifyReply } from 'fastify';
import { CodedError, type ErrorFields } from '../shared/coded-error.ts';
import { type FieldProblem, fieldProblemsOf, isSchemaError } from './field-problems.ts';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Present where the same request may well succeed soon. */
  readonly retryAfterSeconds?: number;
}

/** Every code of the API. `docs/api.md` says the same to people; a test holds the two together. */
const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request is not in the form of this call' },
  malformed_json: { status: 400, title: 'The body is not JSON' },
  malformed_url: { status: 400, title: 'The path is not well-formed' },
  malformed_request: { status: 400, title: 'The request is not well-formed HTTP' },
  malformed_command: { status: 400, title: 'The cluster does not know this command' },
  not_found: { status: 404, title: 'There is no such thing' },
  unknown_path: { status: 404, title: 'There is no such path' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  already_exists: { status: 409, title: 'The id is taken' },
  insufficient_filament: { status: 409, title: 'The spool has too little left' },
  invalid_transition: { status: 409, title: 'The job cannot take this status now' },
  node_id_in_use: { status: 409, title: 'Another node has this id' },
  address_in_use: { status: 409, title: 'Another node has this address' },
  last_voter: { status: 409, title: 'The last voter cannot be removed' },
  node_unreachable: { status: 409, title: 'The node does not answer at the address given' },
  wrong_node: { status: 409, title: 'Another node answers at the address given' },
  foreign_cluster: { status: 409, title: 'The node belongs to another cluster' },
  removed_server: { status: 409, title: 'The node was removed and still runs as its old self' },
  would_lose_quorum: { status: 409, title: 'The rest could not agree on anything' },
  member_change_refused: { status: 409, title: 'The members stay as they are' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is not declared as JSON' },
  unknown_printer: { status: 422, title: 'There is no such printer' },
  unknown_filament: { status: 422, title: 'There is no such filament' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'The node failed' },
  no_leader: { status: 503, title: 'The cluster has no leader now', retryAfterSeconds: 1 },
  too_busy: { status: 503, title: 'The cluster has too much to do', retryAfterSeconds: 1 },
  stopping: { status: 503, title: 'The node is stopping', retryAfterSeconds: 5 },
  disk_full: { status: 503, title: 'The leader’s disk is full', retryAfterSeconds: 30 },
  outcome_unknown: { status: 504, title: 'The outcome is unknown' },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]),
);

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** An error with a code of the table: the only kind that routes throw. */
export function problem(
  code: ProblemCode,
  detail: string,
  options: { fields?: ErrorFields; cause?: unknown } = {},
): CodedError {
  return new CodedError(code, detail, options);
}

export function isProblemCode(code: string): code is ProblemCode {
  return PROBLEM_STATUSES.has(code);
}

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True when the error is ours and no answer to the caller. */
  readonly isInternal: boolean;
}

/** The answer for any error that a request can end in. */
export function problemAnswerFor(error: unknown): ProblemAnswer {
  const { code, message, fields } = asCodedError(error);
  const known: ProblemCode = isProblemCode(code) ? code : 'internal_error';
  const { status, title, retryAfterSeconds }: ProblemKind = PROBLEMS[known];
  const isInternal = known === 'internal_error';
  const detail = isInternal
    ? 'The node could not answer because of an error of its own; see its log.'
    : message;
  const standard = { type: `urn:raft3d:problem:${known}`, title, status, detail, code: known };
  return {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: JSON.stringify(isInternal ? standard : { ...standard, ...fields }),
    isInternal,
  };
}

export function sendProblem(reply: FastifyReply, answer: ProblemAnswer): FastifyReply {
  return reply.code(answer.status).headers(answer.headers).serializer(String).send(answer.body);
}

/** Fields at fault, all at once. */
export function invalidRequest(errors: readonly FieldProblem[]): CodedError {
  const [first] = errors;
  const detail =
    first === undefined ? 'The request is not in the form of this call.' : sentence(first, errors.length);
  return problem('invalid_request', detail, { fields: { errors } });
}

function sentence({ field, message }: FieldProblem, count: number): string {
  const others = count === 1 ? '' : ` (and ${count - 1} more in errors)`;
  return `${field} ${message}${others}.`;
}

function asCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (isSchemaError(error)) return invalidRequest(fieldProblemsOf(error));
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  return (
    frameworkProblem(code, error) ??
    (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
      ? problem('malformed_request', 'The request could not be read: send it again, complete.', {
          cause: error,
        })
      : problem('internal_error', String(error), { cause: error }))
  );
}

/** What Fastify itself refuses, in our words. */
function frameworkProblem(code: unknown, cause: unknown): CodedError | undefined {
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('unsupported_media_type', 'Send the body as Content-Type: application/json.', { cause });
    case 'FST_ERR_BAD_URL':
      return problem('malformed_url', 'Percent-encode the path as UTF-8: every % needs two hex digits.', {
        cause,
      });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return problem('not_found', 'No id is that long: ids have at most 128 characters.', { cause });
    default:
      return undefined;
  }
}
