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
import { fieldProblemsOf, isSchemaError } from './field-problems.ts';

/** Makes an error with a code of the contract. Routes throw no other. */
export function problem(
  code: ProblemCode,
  detail: string,
  options: { fields?: ErrorFields; cause?: unknown } = {},
): CodedError {
  return new CodedError(code, detail, options);
}

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True for a bug or a failed store: the caller learns no more of it. */
  readonly isInternal: boolean;
}

/** Returns the answer for any error that ends a request. */
export function problemAnswerFor(error: unknown): ProblemAnswer {
  const { code, message, fields } = asCodedError(error);
  const known: ProblemCode = isProblemCode(code) ? code : 'internal_error';
  const { status, title, retryAfterSeconds } = problemKind(known);
  const isInternal = known === 'internal_error';
  const detail = isInternal
    ? 'The node could not answer because of an error of its own; see its log.'
    : message;
  const standard = { type: problemType(known), title, status, detail, code: known };
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

/** Makes one problem of all fields at fault. */
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

/** Translates errors of Fastify itself. */
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
