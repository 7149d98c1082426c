// Bodies: JSON, in UTF-8, small and flat.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { CodedError } from '../shared/coded-error.ts';
import { problem } from './error-handler.ts';
import { type BodyTaker, takeBody } from './whole-request.ts';

const MAX_BODY_BYTES = 1024 * 1024;
/** No operation has more fields. Bounds the work of naming the unknown ones. */
const MAX_BODY_FIELDS = 64;

const TOO_LARGE = problem('body_too_large', 'Send a body of at most 1 MiB.');
const CUT_OFF = problem('malformed_request', 'The request could not be read: send it again, complete.');
const NOTHING: Buffer = Buffer.alloc(0);

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Takes `application/json` only. An empty body counts as none, whatever its type. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', ({ raw }, _payload, done) => {
    readBody(raw, MAX_BODY_BYTES, (failure, body) => {
      let value: unknown;
      try {
        if (failure !== undefined) throw failure;
        value = parseBody(body);
      } catch (error) {
        done(error as Error);
        return;
      }
      done(null, value);
    });
  });
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-length'] === '0') done(null, undefined);
    else done(problem('unsupported_media_type', 'Send the body as Content-Type: application/json.'));
  });
}

/**
 * Calls `done` once, maybe inside the call, with the whole body or with the reason why there is none.
 * For tests: they set a small bound.
 */
export function readBody(request: IncomingMessage, maxBytes: number, done: BodyDone): void {
  const body = new WaitedBody(maxBytes, done);
  if (Number(request.headers['content-length']) > maxBytes) body.finish(TOO_LARGE);
  takeBody(request, body);
}

type BodyDone = (failure: CodedError | undefined, body: Uint8Array) => void;

class WaitedBody implements BodyTaker {
  readonly #maxBytes: number;
  /** Undefined once it was called. */
  #done: BodyDone | undefined;
  /** The first chunk, or a copy of all with room for more: a list of small chunks would take more memory. */
  #buffer = NOTHING;
  #length = 0;

  constructor(maxBytes: number, done: BodyDone) {
    this.#maxBytes = maxBytes;
    this.#done = done;
  }

  add(chunk: Buffer): void {
    // After a refusal the rest is discarded, so that the caller can send all of it and read the answer.
    if (this.#done === undefined) return;
    const end = this.#length + chunk.length;
    if (end > this.#maxBytes) {
      this.finish(TOO_LARGE);
      return;
    }
    if (this.#length === 0) this.#buffer = chunk;
    else {
      if (end > this.#buffer.length) this.#grow(Math.min(this.#maxBytes, 2 * end));
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = end;
  }

  #grow(capacity: number): void {
    const grown = Buffer.allocUnsafe(capacity);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  end(): void {
    this.finish(undefined);
  }

  fail(): void {
    this.finish(CUT_OFF);
  }

  finish(failure: CodedError | undefined): void {
    const done = this.#done;
    if (done === undefined) return;
    const body = this.#buffer.subarray(0, this.#length);
    // A connection remembers its last request, and so this object.
    this.#done = undefined;
    this.#buffer = NOTHING;
    done(failure, body);
  }
}

function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch {
    // Bytes that are not UTF-8 or not JSON: the only errors that these two calls throw.
    throw problem('malformed_json', 'Send one JSON object in UTF-8.');
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > MAX_BODY_FIELDS) {
    const errors = [{ field: 'body', message: `must have at most ${MAX_BODY_FIELDS} fields` }];
    throw problem('invalid_request', `Send at most ${MAX_BODY_FIELDS} fields.`, { errors });
  }
  return value;
}
