// The OpenAPI 3.1 document, as a pure function of the list of operations.

import type { TObject, TSchema } from 'typebox';
import { exampleOf } from './example.ts';
import { type Answer, OPERATIONS, type Operation, TAGS, UNROUTED_PROBLEMS } from './operations.ts';
import { PROBLEM_MEDIA_TYPE, type ProblemCode, problemKind, problemSchema } from './problems.ts';

type Json = Readonly<Record<string, unknown>>;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: { readonly schemas: Json; readonly responses: Json };
  readonly [member: string]: unknown;
}

/** `version` is the program's. */
export function openapi(version: string): OpenApiDocument {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [id, operation] of Object.entries<Operation>(OPERATIONS)) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(id, operation, schemas) };
  }
  const unrouted = {
    ...problemResponse(UNROUTED_PROBLEMS, schemas),
    description: 'No operation took the request: its path or method is wrong, or it could not be read.',
    headers: { Allow: { description: 'With 405: the methods of the path.', schema: { type: 'string' } } },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Raft3D',
      version,
      summary: 'A controller for 3D-print farms, replicated over several nodes.',
      description:
        'Every node takes every request. HEAD works wherever GET does, and a slash at the end of a path makes no difference.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: '/', description: 'The node that this document came from; the others answer the same.' },
    ],
    security: [],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas, responses: { Unrouted: unrouted } },
  };
}

/** Adds the components that the operation refers to. */
function describe(id: string, operation: Operation, components: Record<string, unknown>): Json {
  const { tag, summary, description, params, query, headers, body, answer, otherAnswers = [] } = operation;
  const answers = [answer, ...otherAnswers].map((one) => [one.status, answerResponse(one, components)]);
  const statusOf = (code: ProblemCode) => problemKind(code).status;
  const statuses = [...new Set(operation.problems.map(statusOf))];
  const problems = statuses.map((status) => {
    const codes = operation.problems.filter((code) => statusOf(code) === status);
    return [status, problemResponse(codes, components)];
  });
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    parameters: [
      ...parameters('path', params, components),
      ...parameters('query', query, components),
      ...parameters('header', headers, components),
    ],
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': media(body, components) } },
    }),
    responses: {
      ...Object.fromEntries([...answers, ...problems]),
      default: { $ref: '#/components/responses/Unrouted' },
    },
  };
}

function parameters(place: string, schema: TObject | undefined, components: Record<string, unknown>): Json[] {
  if (schema === undefined) return [];
  return Object.entries(valuesOf(schema, components)).map(([name, value]) => ({ name, in: place, ...value }));
}

/** Parameters and headers have the same members. */
function valuesOf(
  { properties, required }: TObject,
  components: Record<string, unknown>,
): Readonly<Record<string, Json>> {
  const needed: readonly string[] = required ?? [];
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const { description, examples, ...rest } = schema as Json;
      const value = {
        required: needed.includes(name),
        ...(description !== undefined && { description }),
        schema: refer(rest, components),
        example: exampleOf(schema),
      };
      return [name, value];
    }),
  );
}

function answerResponse({ description, headers, schema }: Answer, components: Record<string, unknown>): Json {
  return {
    description,
    headers: valuesOf(headers, components),
    ...(schema !== undefined && { content: { 'application/json': media(schema, components) } }),
  };
}

function media(schema: TSchema, components: Record<string, unknown>): Json {
  return { schema: refer(schema, components), example: exampleOf(schema) };
}

function problemResponse(codes: readonly ProblemCode[], components: Record<string, unknown>): Json {
  const references = codes.map((code) => refer(problemSchema(code), components));
  const canRetry = codes.every((code) => problemKind(code).retryAfterSeconds !== undefined);
  const retryAfter = { description: 'Seconds.', required: true, schema: { type: 'integer', minimum: 1 } };
  return {
    description: codes.map((code) => `\`${code}\`: ${problemKind(code).meaning}.`).join(' '),
    ...(canRetry && { headers: { 'Retry-After': retryAfter } }),
    content: {
      [PROBLEM_MEDIA_TYPE]: { schema: references.length === 1 ? references[0] : { oneOf: references } },
    },
  };
}

/** Puts schemas with a title among the components, and references in their places. */
function refer(schema: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => refer(one, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { title, ...rest } = schema as Json;
  const copy = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, refer(value, components)]),
  );
  if (typeof title !== 'string')
    return title === undefined ? copy : { ...copy, title: refer(title, components) };
  components[title] = copy;
  return { $ref: `#/components/schemas/${title}` };
}
