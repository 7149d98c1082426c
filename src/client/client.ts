// The client of the API, typed by the contract. It runs in Node.js and in browsers and needs only `fetch`.
//
// Any node will do: the client stays with the node that answered last and moves to the next when one fails.
// Every write carries an Idempotency-Key, so that the client may send it again: it is applied once.

import { type AnswerOf, OPERATIONS, type OperationId, type QueryOf } from '../api/operations.ts';
import { nextAfter, outcomeOf, type Tried } from './answer.ts';
import { pause, waitMsAfter } from './back-off.ts';
import { ApiProblem, CallFailed } from './errors.ts';
import { type AnyRequest, type ListId, type RequestOf, type RowOf, targetOf } from './request.ts';

export { ApiProblem, CallFailed };

export interface ClientOptions {
  /** Base URLs of some or all nodes: `http://10.0.0.1:8080`. */
  readonly nodes: readonly string[];
  /** How long the client waits for one node's answer, in ms. A node itself gives up a write after 8 s. */
  readonly tryTimeoutMs?: number;
  /** How long a call may take with all its tries, in ms. */
  readonly callTimeoutMs?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  /** The key of a write. The key of an earlier call repeats that call. The client makes one by default. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  readonly callTimeoutMs?: number;
}

export interface Reply<Id extends OperationId> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerOf<Id>;
  /** Base URL of the node that answered. */
  readonly node: string;
}

const TRY_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;
/** Rows that a list asks for at a time: the most that the API gives. */
const PAGE_ROWS = 1_000;
const KEY_BYTES = 16;

export class Client {
  readonly #options: ClientOptions;
  readonly #nodes: readonly string[];
  /** The place of the node that is asked first: the one that answered last. */
  #preferred = 0;

  /** Throws a TypeError when `nodes` is empty or an address is no http or https URL. */
  constructor(options: ClientOptions) {
    const { nodes } = options;
    if (nodes.length === 0) throw new TypeError('give the address of at least one node, as http://host:port');
    this.#options = options;
    this.#nodes = nodes.map(baseOf);
  }

  /**
   * Makes one call and returns the body of its answer. Rejects with an ApiProblem when the API refuses the
   * request, with CallFailed when no node settled the call in time, and with the reason of the signal when
   * the caller gave up.
   */
  async call<Id extends OperationId>(
    id: Id,
    ...[request, options]: CallArguments<Id>
  ): Promise<AnswerOf<Id>> {
    return (await this.#send<Id>(id, request ?? {}, options)).body;
  }

  /** As `call`, with status and headers. */
  reply<Id extends OperationId>(id: Id, ...[request, options]: CallArguments<Id>): Promise<Reply<Id>> {
    return this.#send<Id>(id, request ?? {}, options);
  }

  /**
   * The rows of a list, in order of ids. Rows are read page by page as the loop goes on. Each page is as
   * current as its own read, and may come from another node.
   */
  async *list<Id extends ListId>(
    id: Id,
    query?: QueryOf<Id>,
    options: CallOptions = {},
  ): AsyncGenerator<RowOf<Id>, void> {
    const given: object = query ?? {};
    let after: string | undefined;
    do {
      const page = { limit: PAGE_ROWS, ...given, ...(after !== undefined && { after }) };
      const { headers, body } = await this.#send<Id>(id, { query: page }, options);
      yield* body as unknown as readonly RowOf<Id>[];
      after = nextAfter(headers.get('link'));
    } while (after !== undefined);
  }

  async #send<Id extends OperationId>(
    id: Id,
    request: AnyRequest,
    options: CallOptions = {},
  ): Promise<Reply<Id>> {
    const { method, path } = OPERATIONS[id];
    const isWrite = method !== 'GET';
    const callTimeoutMs = options.callTimeoutMs ?? this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS;
    const timeUp = AbortSignal.timeout(callTimeoutMs);
    const signal = options.signal === undefined ? timeUp : AbortSignal.any([timeUp, options.signal]);
    const idempotencyKey = options.idempotencyKey ?? mintKey();
    const target = targetOf(path, request);
    const init: RequestInit = {
      method,
      redirect: 'error',
      headers: {
        ...this.#options.headers,
        ...(isWrite && { 'idempotency-key': idempotencyKey }),
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    };
    let hadNoEffect = true;
    let cause: unknown;
    for (let tries = 1; ; tries++) {
      const preferred = this.#preferred;
      const node = this.#nodes[preferred] ?? '';
      const tried = await this.#try(node + target, init, signal);
      if (tried.kind === 'answered') {
        const { response, body } = tried;
        return { status: response.status, headers: response.headers, body: body as AnswerOf<Id>, node };
      }
      if (tried.kind === 'failed') throw tried.error;
      hadNoEffect &&= tried.hadNoEffect;
      // The try that the end of the time cut off says less than the one before it.
      if (!timeUp.aborted || cause === undefined) cause = tried.cause;
      // Another call may have moved away from this node already.
      const { length } = this.#nodes;
      if (this.#preferred === preferred) this.#preferred = (preferred + 1) % length;
      if (tries % length === 0) await pause(waitMsAfter(tries / length), signal);
      options.signal?.throwIfAborted();
      if (!timeUp.aborted) continue;
      if (isWrite && !hadNoEffect) {
        const message =
          `no node confirmed the write within ${callTimeoutMs} ms: it may or may not have been applied. ` +
          `Send it again with the idempotency key ${idempotencyKey}`;
        throw new CallFailed('outcome_unknown', message, { cause, idempotencyKey });
      }
      if (cause instanceof ApiProblem) throw cause;
      throw new CallFailed('no_answer', `no node answered within ${callTimeoutMs} ms`, { cause });
    }
  }

  async #try(url: string, init: RequestInit, signal: AbortSignal): Promise<Tried> {
    const timeUp = AbortSignal.timeout(this.#options.tryTimeoutMs ?? TRY_TIMEOUT_MS);
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, timeUp]) });
      return outcomeOf(response, await response.text());
    } catch (cause) {
      // The request may have reached the node before the connection failed.
      return { kind: 'try-again', hadNoEffect: false, cause };
    }
  }
}

/** The request may be left out where the operation needs none of its parts. */
type CallArguments<Id extends OperationId> =
  object extends RequestOf<Id>
    ? [request?: RequestOf<Id>, options?: CallOptions]
    : [request: RequestOf<Id>, options?: CallOptions];

function baseOf(node: string): string {
  const url = URL.canParse(node) ? new URL(node) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new TypeError(`${node} is not the address of a node: write it as http://host:port`);
  }
  return url.href.replace(/\/+$/, '');
}

/** Not `crypto.randomUUID`: browsers have that on https pages only. */
function mintKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
