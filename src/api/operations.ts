// The contract: one list of all operations. Routes, the OpenAPI document and clients derive from it.

import { type Static, type TObject, type TSchema, Type } from 'typebox';
import type { ProblemCode } from './problems.ts';
import { ClusterStatus, Joined, JoinRequest, NodeId, Removed } from './schemas/cluster.ts';
import { Filament, NewFilament } from './schemas/filament.ts';
import {
  CacheControl,
  ETag,
  IdempotencyKey,
  LIST_PARAMETERS,
  Link,
  ListQuery,
  NoQuery,
  ReadQuery,
  StaleHeaders,
} from './schemas/parameters.ts';
import { NewPrintJob, PrintJob, PrintJobStatus } from './schemas/print-job.ts';
import { NewPrinter, Printer } from './schemas/printer.ts';
import { EXACT, id } from './schemas/values.ts';

/** Roles in rising order. Nothing checks them yet. */
type Role = 'viewer' | 'operator' | 'administrator';

export const TAGS = {
  printers: 'The printers of the farm.',
  filaments: 'Spools of filament and their weights.',
  print_jobs: 'Jobs, which reserve filament and move from Queued to Done.',
  cluster: 'The nodes that replicate the farm.',
  contract: 'This description of the API.',
} as const;

export interface Answer {
  readonly status: number;
  readonly description: string;
  readonly headers: TObject;
  /** Absent for an answer without a body. */
  readonly schema?: TSchema;
}

export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As OpenAPI writes it: `{id}` stands for a parameter. `HEAD` works wherever `GET` does. */
  readonly path: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  readonly role: Role;
  /** When the caller may send the same request again without knowing what became of the first. */
  readonly retry: 'always' | 'with-idempotency-key';
  readonly params?: TObject;
  readonly query: TObject;
  readonly headers?: TObject;
  readonly body?: TObject;
  readonly answer: Answer;
  readonly otherAnswers?: readonly Answer[];
  readonly problems: readonly ProblemCode[];
}

const ANY_REQUEST = [
  'invalid_request',
  'malformed_request',
  'request_timeout',
  'headers_too_large',
  'internal_error',
] as const;
/** Problems of requests whose method takes a body, even where the operation has none. */
const ANY_BODY = [...ANY_REQUEST, 'malformed_json', 'body_too_large', 'unsupported_media_type'] as const;
const UNAVAILABLE = ['no_leader', 'too_busy', 'stopping'] as const;
const READ = [...ANY_REQUEST, ...UNAVAILABLE] as const;
const COMMAND = ['malformed_command', 'idempotency_key_reused'] as const;
const WRITE = [...ANY_BODY, ...COMMAND, ...UNAVAILABLE, 'disk_full', 'outcome_unknown'] as const;
const MEMBERSHIP = ['last_voter', 'would_lose_quorum', 'member_change_refused'] as const;
const MEMBER_CHANGE = [...ANY_BODY, ...MEMBERSHIP, 'no_leader', 'too_busy', 'outcome_unknown'] as const;
/** Problems of requests that reach no operation. */
export const UNROUTED_PROBLEMS = [
  ...ANY_REQUEST,
  'malformed_url',
  'unknown_path',
  'method_not_allowed',
] as const;

const WRITE_HEADERS = Type.Object({ 'Idempotency-Key': IdempotencyKey });
const LIST_HEADERS = Type.Object({
  ETag: Type.Optional(ETag),
  'Cache-Control': Type.Optional(CacheControl),
  Link: Type.Optional(Link),
  ...StaleHeaders,
});

const READING = { method: 'GET', role: 'viewer', retry: 'always', query: NoQuery } as const;
const WRITING = {
  method: 'POST',
  role: 'operator',
  retry: 'with-idempotency-key',
  query: NoQuery,
  headers: WRITE_HEADERS,
} as const;
const CHANGING_MEMBERS = { ...WRITING, tag: 'cluster', role: 'administrator', retry: 'always' } as const;

function ok<Schema extends TSchema>(description: string, schema: Schema) {
  return { status: 200, description, headers: Type.Object({}), schema } as const;
}

/** A collection: list it, read one of it, add to it. Its tag is its name in the plural and in the path. */
function collection<
  const Tag extends keyof typeof TAGS,
  Row extends TSchema,
  NewRow extends TObject,
  Query extends TObject,
  const Code extends ProblemCode,
>(tag: Tag, own: { row: Row; newRow: NewRow; query: Query; problems: readonly Code[] }) {
  const path = `/api/v1/${tag}` as const;
  const many = tag.replace('_', ' ');
  const one = many.slice(0, -1);
  const location = Type.String({ description: `The path of the ${one}.`, examples: [`${path}/a`] });
  return {
    list: {
      ...READING,
      path,
      tag,
      summary: `List ${many}`,
      description: 'In order of ids, by their UTF-8 bytes.',
      query: own.query,
      answer: { ...ok(`The ${many}.`, Type.Array(own.row)), headers: LIST_HEADERS },
      otherAnswers: [
        { status: 304, description: 'The list is still the one of If-None-Match.', headers: LIST_HEADERS },
      ],
      problems: READ,
    },
    get: {
      ...READING,
      path: `${path}/{id}`,
      tag,
      summary: `Read one ${one}`,
      params: Type.Object({ id: id({ description: `Of the ${one}.`, examples: ['a'] }) }),
      query: ReadQuery,
      answer: { ...ok(`The ${one}.`, own.row), headers: Type.Object(StaleHeaders) },
      problems: [...READ, 'malformed_url', 'not_found'],
    },
    create: {
      ...WRITING,
      path,
      tag,
      summary: `Add a ${one}`,
      body: own.newRow,
      answer: {
        status: 201,
        description: `The ${one} as it was added.`,
        headers: Type.Object({ Location: location }),
        schema: own.row,
      },
      problems: [...WRITE, 'already_exists', ...own.problems],
    },
  } as const;
}

const printers = collection('printers', { row: Printer, newRow: NewPrinter, query: ListQuery, problems: [] });
const filaments = collection('filaments', {
  row: Filament,
  newRow: NewFilament,
  query: ListQuery,
  problems: [],
});
const printJobs = collection('print_jobs', {
  row: PrintJob,
  newRow: NewPrintJob,
  query: Type.Object(
    {
      ...LIST_PARAMETERS,
      status: Type.Optional(PrintJobStatus),
      printer_id: Type.Optional(id({ description: 'Only jobs of this printer.', examples: ['printer1'] })),
      filament_id: Type.Optional(id({ description: 'Only jobs of this spool.', examples: ['filament1'] })),
    },
    EXACT,
  ),
  problems: ['unknown_printer', 'unknown_filament', 'insufficient_filament'],
});

/** Every operation by its id. */
export const OPERATIONS = {
  listPrinters: printers.list,
  getPrinter: printers.get,
  createPrinter: printers.create,
  listFilaments: filaments.list,
  getFilament: filaments.get,
  createFilament: filaments.create,
  listPrintJobs: printJobs.list,
  getPrintJob: printJobs.get,
  createPrintJob: printJobs.create,
  changePrintJobStatus: {
    ...WRITING,
    path: '/api/v1/print_jobs/{id}/status',
    tag: 'print_jobs',
    summary: 'Change the status of a print job',
    description:
      'Queued becomes Running or Canceled; Running becomes Done, Canceled or Failed; the others are final. Done takes the weight off the spool. Canceled and Failed give the reservation back.',
    params: printJobs.get.params,
    query: Type.Object({ status: PrintJobStatus }, EXACT),
    answer: ok('The print job as it is now.', PrintJob),
    problems: [...WRITE, 'malformed_url', 'not_found', 'invalid_transition'],
  },
  clusterStatus: {
    ...READING,
    path: '/cluster/status',
    tag: 'cluster',
    summary: 'Read the status of this node and its view of the members',
    description: 'Answers from this node alone, also without a leader.',
    answer: ok('The status.', ClusterStatus),
    problems: ANY_REQUEST,
  },
  joinCluster: {
    ...CHANGING_MEMBERS,
    path: '/join',
    summary: 'Add a node to the cluster',
    description: 'Answers when the node is a member. Joining again is harmless.',
    body: JoinRequest,
    answer: ok('The node is a member.', Joined),
    problems: [
      ...MEMBER_CHANGE,
      'node_id_in_use',
      'address_in_use',
      'node_unreachable',
      'wrong_node',
      'foreign_cluster',
      'removed_server',
    ],
  },
  removeServer: {
    ...CHANGING_MEMBERS,
    method: 'DELETE',
    path: '/cluster/servers',
    summary: 'Remove a node from the cluster',
    query: Type.Object({ id: NodeId }, EXACT),
    answer: ok('The node is not a member.', Removed),
    problems: [...MEMBER_CHANGE, 'not_found'],
  },
  openApi: {
    ...READING,
    path: '/openapi.json',
    tag: 'contract',
    summary: 'Read this document',
    answer: ok(
      'An OpenAPI 3.1 document.',
      Type.Object({ openapi: Type.String({ examples: ['3.1.0'] }) }, { additionalProperties: true }),
    ),
    problems: ANY_REQUEST,
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof OPERATIONS;

type Of<Id extends OperationId> = (typeof OPERATIONS)[Id];

export type QueryOf<Id extends OperationId> = Static<Of<Id>['query']>;
export type AnswerOf<Id extends OperationId> = Static<Of<Id>['answer']['schema']>;
/** `undefined` for an operation whose path has no parameters. */
export type ParamsOf<Id extends OperationId> =
  Of<Id> extends { readonly params: infer Params extends TObject } ? Static<Params> : undefined;
/** `undefined` for an operation without a body. */
export type BodyOf<Id extends OperationId> =
  Of<Id> extends { readonly body: infer Body extends TObject } ? Static<Body> : undefined;
