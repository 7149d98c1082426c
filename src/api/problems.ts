// The problems that the API answers with (RFC 9457). The HTTP statuses of errors stand here and nowhere else.

import { type Static, type TObject, type TProperties, Type } from 'typebox';
import { PrintJobStatus } from './schemas/print-job.ts';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** When the API answers with it, for people. */
  readonly meaning: string;
  /** Present where the same request may well succeed soon. */
  readonly retryAfterSeconds: number | undefined;
  /** Members beside the standard ones. */
  readonly fields: TProperties;
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
const SOME_NODE = { node_id: Type.Optional(node_id) };
const printer_id = Type.String({ examples: ['printer1'] });
const filament_id = Type.String({ examples: ['filament1'] });
const grams = (example: number) => Type.Number({ minimum: 0, examples: [example] });
const SPOOL_WEIGHTS = {
  remaining: grams(1000),
  reserved: grams(600),
  available: grams(400),
  asked: grams(500),
};
const TRANSITION = { from: PrintJobStatus, to: PrintJobStatus, allowed: Type.Array(PrintJobStatus) };

/** Status, fields, title, and the meaning where it is more than the title. */
type Row = readonly [status: number, fields: TProperties, title: string, meaning?: string];

/** `docs/api.md` has the same table; a test compares the two. */
const PROBLEMS = {
  invalid_request: [
    400,
    { errors },
    'The request is not in the form of this call',
    'a field, parameter or `Idempotency-Key` is missing, unknown, or not what it must be',
  ],
  malformed_json: [400, {}, 'The body is not JSON', 'the body is not JSON in UTF-8'],
  malformed_url: [400, {}, 'The path is not well-formed', 'the path is not well-formed percent-encoding'],
  malformed_request: [400, {}, 'The request is not well-formed HTTP'],
  malformed_command: [400, {}, 'The cluster does not know this command', 'the nodes run different versions'],
  not_found: [
    404,
    { id: Type.Optional(id), ...SOME_NODE },
    'There is no such thing',
    'no resource or member has this id',
  ],
  unknown_path: [404, {}, 'There is no such path'],
  method_not_allowed: [
    405,
    {},
    'This path does not take this method',
    '`Allow` lists the methods of the path',
  ],
  request_timeout: [408, {}, 'The request did not arrive in time'],
  already_exists: [409, { id }, 'The id is taken'],
  insufficient_filament: [
    409,
    { filament_id, ...SPOOL_WEIGHTS },
    'The spool has too little left',
    'the job asks for more grams than are available',
  ],
  invalid_transition: [409, { id, ...TRANSITION }, 'The job cannot take this status now'],
  node_id_in_use: [409, { node_id }, 'Another node has this id'],
  address_in_use: [409, { node_id }, 'Another node has this address'],
  last_voter: [409, { node_id }, 'The last voter cannot be removed'],
  node_unreachable: [409, { node_id }, 'The node does not answer at the address given'],
  wrong_node: [409, { node_id }, 'Another node answers at the address given'],
  foreign_cluster: [409, { node_id }, 'The node belongs to another cluster'],
  removed_server: [
    409,
    { node_id },
    'The node was removed and still runs as its old self',
    'the joining node was removed and has not been started again with `-join`',
  ],
  would_lose_quorum: [
    409,
    { node_id },
    'The rest could not agree on anything',
    'too few of the remaining voters answer: bring one back first',
  ],
  member_change_refused: [
    409,
    { node_id },
    'The members stay as they are',
    'another reason, said in `detail`',
  ],
  body_too_large: [413, {}, 'The body is too large', 'the body is over 1 MiB'],
  unsupported_media_type: [
    415,
    {},
    'The body is not declared as JSON',
    'the type must be `application/json`',
  ],
  unknown_printer: [422, { printer_id, errors }, 'There is no such printer'],
  unknown_filament: [422, { filament_id, errors }, 'There is no such filament'],
  idempotency_key_reused: [422, {}, 'The Idempotency-Key belongs to another request'],
  headers_too_large: [431, {}, 'The headers are too large', 'the URL and headers are over 16 KiB'],
  internal_error: [500, {}, 'The node failed', 'the node failed; its log says how'],
  no_leader: [503, {}, 'The cluster has no leader now', 'no majority can be reached; nothing was changed'],
  too_busy: [503, SOME_NODE, 'The cluster has too much to do', 'too much is under way; nothing was changed'],
  stopping: [503, {}, 'The node is stopping', 'this node is stopping, or was removed'],
  disk_full: [503, {}, 'The leader’s disk is full', 'nothing was changed, and reads still work'],
  outcome_unknown: [504, {}, 'The outcome is unknown', 'not confirmed in time: it may or may not be applied'],
} as const satisfies Readonly<Record<string, Row>>;

const RETRY_AFTER_SECONDS: { readonly [Code in ProblemCode]?: number } = {
  no_leader: 1,
  too_busy: 1,
  stopping: 5,
  disk_full: 30,
};

export type ProblemCode = keyof typeof PROBLEMS;

/** For tests: they compare the table with the operations and the documents. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export function problemKind(code: ProblemCode): ProblemKind {
  const [status, fields, title, meaning]: Row = PROBLEMS[code];
  const sentence = title.charAt(0).toLowerCase() + title.slice(1);
  return {
    status,
    title,
    meaning: meaning ?? sentence,
    retryAfterSeconds: RETRY_AFTER_SECONDS[code],
    fields,
  };
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

/** The body of a problem: a union over its codes. */
export type Problem<Code extends ProblemCode = ProblemCode> = Code extends ProblemCode
  ? StandardMembers<Code> & Static<TObject<(typeof PROBLEMS)[Code][1]>>
  : never;

export function problemSchema(code: ProblemCode): TObject {
  const { status, title, meaning, fields } = problemKind(code);
  const pascalCase = code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Type.Object(
    {
      type: Type.Literal(problemType(code)),
      title: Type.Literal(title),
      status: Type.Literal(status),
      detail: Type.String({ description: 'What happened and what to do, for people.', examples: [title] }),
      code: Type.Literal(code),
      ...fields,
    },
    { title: `${pascalCase}Problem`, description: meaning },
  );
}
