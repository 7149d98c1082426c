// Routes from the contract: an operation's id gives its method, its path and the check of its request.

import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TObject } from 'typebox';
import {
  type AnswerOf,
  type BodyOf,
  OPERATIONS,
  type Operation,
  type OperationId,
  type ParamsOf,
  type QueryOf,
} from '../api/operations.ts';

export type OperationRequest<Id extends OperationId> = FastifyRequest<{
  Params: ParamsOf<Id>;
  Querystring: QueryOf<Id>;
  Body: BodyOf<Id>;
}>;

/** JSON in bytes or in parts, or no body at all (with 304). */
export type RawAnswer = Buffer | Readable | undefined;

/** Returns the answer of the contract, or throws a problem. */
type Handler<Id extends OperationId> = (
  request: OperationRequest<Id>,
  reply: FastifyReply,
) => Promise<AnswerOf<Id> | RawAnswer>;

export function addOperation<Id extends OperationId>(
  app: FastifyInstance,
  id: Id,
  handler: Handler<Id>,
): void {
  const { method, path, query, body, answer }: Operation = OPERATIONS[id];
  const integers = Object.entries(query.properties).flatMap(
    ([name, { type, maximum }]: [string, JsonSchema]) =>
      type === 'integer' ? [{ name, maxDigits: String(maximum).length }] : [],
  );
  app.route({
    method,
    url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    schema: {
      querystring: shapeOf(query, () => 'string'),
      ...(body !== undefined && { body: shapeOf(body, jsonTypeOf) }),
    },
    handler: (request, reply) => {
      for (const { name, maxDigits } of integers) {
        const values = request.query as Record<string, unknown>;
        if (values[name] !== undefined) values[name] = integerFrom(values[name], maxDigits);
      }
      reply.code(answer.status);
      return handler(request as OperationRequest<Id>, reply);
    },
  });
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly maximum?: number;
}

/** Only names and JSON types: the farm checks values, and its sentences say what to send instead. */
function shapeOf({ properties, required }: TObject, typeOf: (schema: JsonSchema) => unknown): object {
  const shapes = Object.entries(properties).map(([name, schema]) => [name, { type: typeOf(schema) }]);
  return {
    type: 'object',
    required: required ?? [],
    properties: Object.fromEntries(shapes),
    additionalProperties: false,
  };
}

/** An integer counts as a number here: the farm's check says which numbers it takes. */
function jsonTypeOf({ type = 'string' }: JsonSchema): unknown {
  const types = [type].flat().map((one) => (one === 'integer' ? 'number' : one));
  return types.length === 1 ? types[0] : types;
}

/** NaN for text that is no decimal integer; the check of its bounds refuses that too. */
function integerFrom(text: unknown, maxDigits: number): number {
  const isInteger = typeof text === 'string' && /^[0-9]+$/.test(text) && text.length <= maxDigits;
  return isInteger ? Number(text) : Number.NaN;
}
