// Every error leaves as RFC 9457 `application/problem+json`, with the status of its code in the contract.

import type { FastifyReply } from 'fastify';
import {
  type FieldProblem,
  isProblemCode,
  PROBLEM_MEDIA_TYPE,
  type ProblemCode,
  problemKind,
  problemType,
} from '../api/problems.ts';
import { CodedError, type ErrorFields } from '../shared/coded-error.ts';
import { fieldProblemsOf } from './field-problems.ts';

type ApiError = CodedError<ProblemCode>;

/** Makes an error with a code of the contract. Routes throw no other. */
export function problem(code: ProblemCode, detail: string, fields: ErrorFields = {}): ApiError {
  return new CodedError(code, detail, { fields });
}

interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True for a bug or a failed store: the caller learns no more of it. */
  readonly isInternal: boolean;
}

/** Returns the answer for any error that ends a request. */
export function problemAnswerFor(error: unknown): ProblemAnswer {
  const { code, message: detail, fields } = asApiError(error);
  const { status, title, retryAfterSeconds } = problemKind(code);
  return {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: JSON.stringify({ type: problemType(code), title, status, detail, code, ...fields }),
    isInternal: code === 'internal_error',
  };
}

export function sendProblem(reply: FastifyReply, answer: ProblemAnswer): FastifyReply {
  return reply.code(answer.status).headers(answer.headers).serializer(String).send(answer.body);
}

/** Makes one problem of all fields at fault. */
export function invalidRequest(first: FieldProblem, ...others: readonly FieldProblem[]): ApiError {
  const more = others.length === 0 ? '' : ` (and ${others.length} more in errors)`;
  return problem('invalid_request', `${first.field} ${first.message}${more}.`, {
    errors: [first, ...others],
  });
}

/** Errors of Fastify itself, by their codes. */
const FRAMEWORK_PROBLEMS = new Map<unknown, readonly [code: ProblemCode, detail: string]>([
  [
    'FST_ERR_CTP_INVALID_MEDIA_TYPE',
    ['unsupported_media_type', 'Send the body as Content-Type: application/json.'],
  ],
  ['FST_ERR_BAD_URL', ['malformed_url', 'Percent-encode the path as UTF-8: every % needs two hex digits.']],
  ['FST_ERR_MAX_PARAM_LENGTH', ['not_found', 'No id is that long: ids have at most 128 characters.']],
]);

function asApiError(error: unknown): ApiError {
  if (error instanceof CodedError && isProblemCode(error.code)) return error as ApiError;
  const [first, ...others] = fieldProblemsOf(error);
  if (first !== undefined) return invalidRequest(first, ...others);
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  const known = FRAMEWORK_PROBLEMS.get(code);
  if (known !== undefined) return problem(...known);
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? problem('malformed_request', 'The request could not be read: send it again, complete.')
    : problem('internal_error', 'The node could not answer because of an error of its own; see its log.');
}
