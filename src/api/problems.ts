// The problems that the API answers with (RFC 9457). The HTTP statuses of errors stand here and nowhere else.

import { type Static, type TObject, type TProperties, Type } from 'typebox';
import { PrintJobStatus } from './schemas/print-job.ts';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** When the API answers with it, for people. */
  readonly meaning: string;
  /** Present where the same request may well succeed soon. */
  readonly retryAfterSeconds?: number;
  /** Members beside the standard ones. */
  readonly fields?: TProperties;
}

export const FieldProblem = Type.Object(
  {
    field: Type.String({
      description: 'A field of the body, a query parameter or a header; body for the whole body.',
      examples: ['company'],
    }),
    message: Type.String({
      description: 'Completes the sentence that begins with the field.',
      examples: ['is required'],
    }),
  },
  { title: 'FieldProblem' },
);
export type FieldProblem = Static<typeof FieldProblem>;

/** An error names this many fields: a hostile body has thousands. */
export const MAX_FIELD_PROBLEMS = 20;

const errors = Type.Array(FieldProblem, { minItems: 1, maxItems: MAX_FIELD_PROBLEMS });
const id = Type.String({ examples: ['job1'] });
const node_id = Type.String({ examples: ['node4'] });
const grams = (examples: number[]) => Type.Number({ minimum: 0, examples });

/** `docs/api.md` has the same table; a test compares the two. */
export const PROBLEMS = {
  invalid_request: {
    status: 400,
    title: 'The request is not in the form of this call',
    meaning: 'a field, parameter or `Idempotency-Key` is missing, unknown, or not what it must be',
    fields: { errors },
  },
  malformed_json: { status: 400, title: 'The body is not JSON', meaning: 'the body is not JSON in UTF-8' },
  malformed_url: {
    status: 400,
    title: 'The path is not well-formed',
    meaning: 'the path is not well-formed percent-encoding',
  },
  malformed_request: {
    status: 400,
    title: 'The request is not well-formed HTTP',
    meaning: 'the bytes are not a well-formed HTTP request',
  },
  malformed_command: {
    status: 400,
    title: 'The cluster does not know this command',
    meaning: 'the nodes run versions that do not understand each other',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    meaning: 'no resource, or no member, has that id',
    fields: { id: Type.Optional(id), node_id: Type.Optional(node_id) },
  },
  unknown_path: { status: 404, title: 'There is no such path', meaning: 'nothing is at this path' },
  method_not_allowed: {
    status: 405,
    title: 'This path does not take this method',
    meaning: 'the path does not take this method; `Allow` lists those that it does',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    meaning: 'the request did not arrive whole in time',
  },
  already_exists: { status: 409, title: 'The id is taken', meaning: 'the id is taken', fields: { id } },
  insufficient_filament: {
    status: 409,
    title: 'The spool has too little left',
    meaning: 'the job asks for more grams than are available',
    fields: {
      filament_id: Type.String({ examples: ['filament1'] }),
      remaining: grams([1000]),
      reserved: grams([600]),
      available: grams([400]),
      asked: grams([500]),
    },
  },
  invalid_transition: {
    status: 409,
    title: 'The job cannot take this status now',
    meaning: 'the job cannot take this status now',
    fields: { id, from: PrintJobStatus, to: PrintJobStatus, allowed: Type.Array(PrintJobStatus) },
  },
  node_id_in_use: {
    status: 409,
    title: 'Another node has this id',
    meaning: 'another node has joined under this id',
    fields: { node_id },
  },
  address_in_use: {
    status: 409,
    title: 'Another node has this address',
    meaning: 'another node has joined with this address',
    fields: { node_id },
  },
  last_voter: {
    status: 409,
    title: 'The last voter cannot be removed',
    meaning: 'the cluster would be left without a voter',
    fields: { node_id },
  },
  node_unreachable: {
    status: 409,
    title: 'The node does not answer at the address given',
    meaning: 'the joining node does not answer the leader at the address given',
    fields: { node_id },
  },
  wrong_node: {
    status: 409,
    title: 'Another node answers at the address given',
    meaning: 'a node of another id answers at the address given',
    fields: { node_id },
  },
  foreign_cluster: {
    status: 409,
    title: 'The node belongs to another cluster',
    meaning: 'the joining node holds data of another cluster',
    fields: { node_id },
  },
  removed_server: {
    status: 409,
    title: 'The node was removed and still runs as its old self',
    meaning: 'the joining node was removed and has not been started again with `-join`',
    fields: { node_id },
  },
  would_lose_quorum: {
    status: 409,
    title: 'The rest could not agree on anything',
    meaning: 'too few of the remaining voters answer: bring one back first',
    fields: { node_id },
  },
  member_change_refused: {
    status: 409,
    title: 'The members stay as they are',
    meaning: 'another reason, said in `detail`',
    fields: { node_id },
  },
  body_too_large: { status: 413, title: 'The body is too large', meaning: 'the body is over 1 MiB' },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not declared as JSON',
    meaning: 'the body is not sent as `application/json`',
  },
  unknown_printer: {
    status: 422,
    title: 'There is no such printer',
    meaning: 'the job’s printer is not there',
    fields: { printer_id: Type.String({ examples: ['printer1'] }), errors },
  },
  unknown_filament: {
    status: 422,
    title: 'There is no such filament',
    meaning: 'the job’s filament is not there',
    fields: { filament_id: Type.String({ examples: ['filament1'] }), errors },
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    meaning: 'the key came with another request before',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    meaning: 'the URL and headers are over 16 KiB',
  },
  internal_error: { status: 500, title: 'The node failed', meaning: 'the node failed; its log says how' },
  no_leader: {
    status: 503,
    title: 'The cluster has no leader now',
    meaning: 'no leader with a majority can be reached; nothing was changed',
    retryAfterSeconds: 1,
  },
  too_busy: {
    status: 503,
    title: 'The cluster has too much to do',
    meaning: 'too much is under way; nothing was changed',
    retryAfterSeconds: 1,
    fields: { node_id: Type.Optional(node_id) },
  },
  stopping: {
    status: 503,
    title: 'The node is stopping',
    meaning: 'this node is stopping, or was removed',
    retryAfterSeconds: 5,
  },
  disk_full: {
    status: 503,
    title: 'The leader’s disk is full',
    meaning: 'the leader’s disk is full; nothing was changed, and reads still work',
    retryAfterSeconds: 30,
  },
  outcome_unknown: {
    status: 504,
    title: 'The outcome is unknown',
    meaning: 'not confirmed in time: it may have happened, or may yet happen',
  },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export function problemKind(code: ProblemCode): ProblemKind {
  return PROBLEMS[code];
}

export function problemType(code: ProblemCode): string {
  return `urn:raft3d:problem:${code}`;
}

/** Members that every problem has, in the order of the answer. */
interface StandardMembers<Code extends ProblemCode> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: Code;
}

type FieldsOf<Kind> = Kind extends { readonly fields: infer Fields extends TProperties }
  ? Static<TObject<Fields>>
  : unknown;

/** The body of a problem: a union over its codes. */
export type Problem<Code extends ProblemCode = ProblemCode> = Code extends ProblemCode
  ? StandardMembers<Code> & FieldsOf<(typeof PROBLEMS)[Code]>
  : never;

export function problemSchema(code: ProblemCode): TObject {
  const { status, title, meaning, fields } = problemKind(code);
  return Type.Object(
    {
      type: Type.Literal(problemType(code)),
      title: Type.Literal(title),
      status: Type.Literal(status),
      detail: Type.String({ description: 'What happened and what to do, for people.', examples: [title] }),
      code: Type.Literal(code),
      ...fields,
    },
    { title: `${pascalCase(code)}Problem`, description: meaning },
  );
}

function pascalCase(code: string): string {
  return code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
