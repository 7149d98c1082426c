// The contract: one list of all operations. Routes, the OpenAPI document and clients derive from it.

import { type Static, type TObject, type TSchema, Type } from 'typebox';
import type { Problem, ProblemCode } from './problems.ts';
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
export type Role = 'viewer' | 'operator' | 'administrator';

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
const READ = [...ANY_REQUEST, 'no_leader', 'too_busy', 'stopping'] as const;
const WRITE = [
  ...ANY_BODY,
  'malformed_command',
  'idempotency_key_reused',
  'no_leader',
  'too_busy',
  'stopping',
  'disk_full',
  'outcome_unknown',
] as const;
const MEMBER_CHANGE = [
  ...ANY_BODY,
  'last_voter',
  'would_lose_quorum',
  'member_change_refused',
  'no_leader',
  'too_busy',
  'outcome_unknown',
] as const;
/** Problems of requests that reach no operation. */
export const UNROUTED_PROBLEMS = [
  ...ANY_REQUEST,
  'malformed_url',
  'unknown_path',
  'method_not_allowed',
] as const satisfies readonly ProblemCode[];

const NO_HEADERS = Type.Object({});
const WRITE_HEADERS = Type.Object({ 'Idempotency-Key': IdempotencyKey });
const LIST_HEADERS = Type.Object({
  ETag: Type.Optional(ETag),
  'Cache-Control': Type.Optional(CacheControl),
  Link: Type.Optional(Link),
  ...StaleHeaders,
});

/** A collection: list it, read one of it, add to it. */
function collection<
  const Path extends string,
  Row extends TSchema,
  NewRow extends TObject,
  Query extends TObject,
  const Code extends ProblemCode,
>(definition: {
  readonly tag: keyof typeof TAGS;
  readonly one: string;
  readonly many: string;
  readonly path: Path;
  readonly row: Row;
  readonly newRow: NewRow;
  readonly listQuery: Query;
  readonly creationProblems: readonly Code[];
}) {
  const { tag, one, many, path, row, newRow, listQuery, creationProblems } = definition;
  const params = Type.Object({ id: id({ description: `Of the ${one}.`, examples: ['a'] }) });
  return {
    list: {
      method: 'GET',
      path,
      tag,
      summary: `List ${many}`,
      description: 'In order of ids, by their UTF-8 bytes.',
      role: 'viewer',
      retry: 'always',
      query: listQuery,
      answer: { status: 200, description: `The ${many}.`, headers: LIST_HEADERS, schema: Type.Array(row) },
      otherAnswers: [
        { status: 304, description: 'The list is still the one of If-None-Match.', headers: LIST_HEADERS },
      ],
      problems: READ,
    },
    get: {
      method: 'GET',
      path: `${path}/{id}`,
      tag,
      summary: `Read one ${one}`,
      role: 'viewer',
      retry: 'always',
      params,
      query: ReadQuery,
      answer: { status: 200, description: `The ${one}.`, headers: Type.Object(StaleHeaders), schema: row },
      problems: [...READ, 'malformed_url', 'not_found'],
    },
    create: {
      method: 'POST',
      path,
      tag,
      summary: `Add a ${one}`,
      role: 'operator',
      retry: 'with-idempotency-key',
      query: NoQuery,
      headers: WRITE_HEADERS,
      body: newRow,
      answer: {
        status: 201,
        description: `The ${one} as it was added.`,
        headers: Type.Object({
          Location: Type.String({ description: `The path of the ${one}.`, examples: [`${path}/a`] }),
        }),
        schema: row,
      },
      problems: [...WRITE, 'already_exists', ...creationProblems],
    },
  } as const;
}

const printers = collection({
  tag: 'printers',
  one: 'printer',
  many: 'printers',
  path: '/api/v1/printers',
  row: Printer,
  newRow: NewPrinter,
  listQuery: ListQuery,
  creationProblems: [],
});

const filaments = collection({
  tag: 'filaments',
  one: 'filament',
  many: 'filaments',
  path: '/api/v1/filaments',
  row: Filament,
  newRow: NewFilament,
  listQuery: ListQuery,
  creationProblems: [],
});

const printJobs = collection({
  tag: 'print_jobs',
  one: 'print job',
  many: 'print jobs',
  path: '/api/v1/print_jobs',
  row: PrintJob,
  newRow: NewPrintJob,
  listQuery: Type.Object(
    {
      ...LIST_PARAMETERS,
      status: Type.Optional(PrintJobStatus),
      printer_id: Type.Optional(id({ description: 'Only jobs of this printer.', examples: ['printer1'] })),
      filament_id: Type.Optional(id({ description: 'Only jobs of this spool.', examples: ['filament1'] })),
    },
    EXACT,
  ),
  creationProblems: ['unknown_printer', 'unknown_filament', 'insufficient_filament'],
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
    method: 'POST',
    path: '/api/v1/print_jobs/{id}/status',
    tag: 'print_jobs',
    summary: 'Change the status of a print job',
    description:
      'Queued becomes Running or Canceled; Running becomes Done, Canceled or Failed; the others are final. Done takes the weight off the spool. Canceled and Failed give the reservation back.',
    role: 'operator',
    retry: 'with-idempotency-key',
    params: printJobs.get.params,
    query: Type.Object({ status: PrintJobStatus }, EXACT),
    headers: WRITE_HEADERS,
    answer: {
      status: 200,
      description: 'The print job as it is now.',
      headers: NO_HEADERS,
      schema: PrintJob,
    },
    problems: [...WRITE, 'malformed_url', 'not_found', 'invalid_transition'],
  },
  clusterStatus: {
    method: 'GET',
    path: '/cluster/status',
    tag: 'cluster',
    summary: 'Read the status of this node and its view of the members',
    description: 'Answers from this node alone, also without a leader.',
    role: 'viewer',
    retry: 'always',
    query: NoQuery,
    answer: { status: 200, description: 'The status.', headers: NO_HEADERS, schema: ClusterStatus },
    problems: ANY_REQUEST,
  },
  joinCluster: {
    method: 'POST',
    path: '/join',
    tag: 'cluster',
    summary: 'Add a node to the cluster',
    description: 'Answers when the node is a member. Joining again is harmless.',
    role: 'administrator',
    retry: 'always',
    query: NoQuery,
    headers: WRITE_HEADERS,
    body: JoinRequest,
    answer: { status: 200, description: 'The node is a member.', headers: NO_HEADERS, schema: Joined },
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
    method: 'DELETE',
    path: '/cluster/servers',
    tag: 'cluster',
    summary: 'Remove a node from the cluster',
    role: 'administrator',
    retry: 'always',
    query: Type.Object({ id: NodeId }, EXACT),
    headers: WRITE_HEADERS,
    answer: { status: 200, description: 'The node is not a member.', headers: NO_HEADERS, schema: Removed },
    problems: [...MEMBER_CHANGE, 'not_found'],
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    tag: 'contract',
    summary: 'Read this document',
    role: 'viewer',
    retry: 'always',
    query: NoQuery,
    answer: {
      status: 200,
      description: 'An OpenAPI 3.1 document.',
      headers: NO_HEADERS,
      schema: Type.Object({ openapi: Type.String({ examples: ['3.1.0'] }) }, { additionalProperties: true }),
    },
    problems: ANY_REQUEST,
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof OPERATIONS;

type Of<Id extends OperationId> = (typeof OPERATIONS)[Id];

export type QueryOf<Id extends OperationId> = Static<Of<Id>['query']>;
export type AnswerOf<Id extends OperationId> = Static<Of<Id>['answer']['schema']>;
export type ProblemOf<Id extends OperationId> = Problem<Of<Id>['problems'][number]>;
/** `undefined` for an operation whose path has no parameters. */
export type ParamsOf<Id extends OperationId> =
  Of<Id> extends { readonly params: infer Params extends TObject } ? Static<Params> : undefined;
/** `undefined` for an operation without a body. */
export type BodyOf<Id extends OperationId> =
  Of<Id> extends { readonly body: infer Body extends TObject } ? Static<Body> : undefined;
