// The OpenAPI 3.1 document, as a pure function of the list of operations.

import type { TObject, TSchema } from 'typebox';
import { type Answer, OPERATIONS, type Operation, TAGS, UNROUTED_PROBLEMS } from './operations.ts';
import { PROBLEM_MEDIA_TYPE, type ProblemCode, problemKind, problemSchema } from './problems.ts';

type Json = Readonly<Record<string, unknown>>;

interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: { readonly schemas: Json; readonly responses: Json };
  readonly [member: string]: unknown;
}

/** `version` is the program's. */
export function openapi(version: string): OpenApiDocument {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Json> = {};
  for (const [id, operation] of Object.entries<Operation>(OPERATIONS)) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: refer(describe(id, operation), schemas) };
  }
  const unrouted = {
    ...problemResponse(UNROUTED_PROBLEMS),
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
    components: { schemas, responses: { Unrouted: refer(unrouted, schemas) } },
  };
}

function describe(id: string, operation: Operation): Json {
  const { tag, summary, description, params, query, headers, body, answer, otherAnswers = [] } = operation;
  const answers = [answer, ...otherAnswers].map((one) => [one.status, answerResponse(one)]);
  const statusOf = (code: ProblemCode) => problemKind(code).status;
  const problems = [...new Set(operation.problems.map(statusOf))].map((status) => [
    status,
    problemResponse(operation.problems.filter((code) => statusOf(code) === status)),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    parameters: [
      ...parameters('path', params),
      ...parameters('query', query),
      ...parameters('header', headers),
    ],
    ...(body !== undefined && { requestBody: { required: true, ...contentOf(body) } }),
    responses: {
      ...Object.fromEntries([...answers, ...problems]),
      default: { $ref: '#/components/responses/Unrouted' },
    },
  };
}

function parameters(place: string, schema: TObject | undefined): Json[] {
  if (schema === undefined) return [];
  return Object.entries(valuesOf(schema)).map(([name, value]) => ({ name, in: place, ...value }));
}

/** Parameters and headers have the same members. */
function valuesOf({ properties, required }: TObject): Readonly<Record<string, Json>> {
  const needed: readonly string[] = required ?? [];
  const values = Object.entries(properties).map(([name, property]) => {
    const { description, examples: _, ...schema } = property as Json;
    const words = description !== undefined && { description };
    return [name, { required: needed.includes(name), ...words, schema, example: exampleOf(property) }];
  });
  return Object.fromEntries(values);
}

function answerResponse({ description, headers, schema }: Answer): Json {
  return { description, headers: valuesOf(headers), ...(schema !== undefined && contentOf(schema)) };
}

function contentOf(schema: TSchema): Json {
  return { content: { 'application/json': { schema, example: exampleOf(schema) } } };
}

function problemResponse(codes: readonly ProblemCode[]): Json {
  const [first, ...others] = codes.map(problemSchema);
  const canRetry = codes.every((code) => problemKind(code).retryAfterSeconds !== undefined);
  const retryAfter = { description: 'Seconds.', required: true, schema: { type: 'integer', minimum: 1 } };
  return {
    description: codes.map((code) => `\`${code}\`: ${problemKind(code).meaning}.`).join(' '),
    ...(canRetry && { headers: { 'Retry-After': retryAfter } }),
    content: {
      [PROBLEM_MEDIA_TYPE]: { schema: others.length === 0 ? first : { oneOf: [first, ...others] } },
    },
  };
}

/** Puts schemas with a title among the components, and references in their places. */
function refer(schema: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => refer(one, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { title, ...rest } = schema as Json;
  if (typeof title !== 'string')
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, refer(value, components)]));
  components[title] = refer(rest, components);
  return { $ref: `#/components/schemas/${title}` };
}

interface Schema {
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, object>>;
  readonly items?: object;
}

/**
 * Puts an example together from those of single values. Undefined where the schema does not say enough.
 * For tests: they check it against the schema.
 */
export function exampleOf(schema: object): unknown {
  const { const: constant, examples, enum: choices, properties, items }: Schema = schema;
  if (constant !== undefined) return constant;
  if (examples !== undefined) return examples[0];
  if (choices !== undefined) return choices[0];
  if (items !== undefined) return [exampleOf(items)];
  if (properties === undefined) return undefined;
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, exampleOf(value)]));
}
