// Requests whose body is taken whole, as Node's HTTP parser comes to it.

import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { finished, type Readable } from 'node:stream';
import { assert } from '../shared/assert.ts';

/** Why there is no body. `cut-off`: the connection broke before its end. */
export type BodyFailure = 'too-large' | 'cut-off';

export type BodyTaker = (failure: BodyFailure | undefined, body: Buffer) => void;

const NOTHING = Buffer.alloc(0);

/** What came of a body so far. Tells its taker once, and lets go of it: a connection remembers its last request. */
class Body {
  readonly #maxBytes: number;
  #taker: BodyTaker | undefined;
  /** The first chunk, or a copy of all with room for more: chunks may be of one byte, and each an object of its own. */
  #buffer: Buffer = NOTHING;
  #bytes = 0;

  constructor(maxBytes: number, taker: BodyTaker) {
    this.#maxBytes = maxBytes;
    this.#taker = taker;
  }

  add(chunk: Buffer): void {
    if (this.#taker === undefined) return;
    const bytes = this.#bytes + chunk.length;
    if (bytes > this.#maxBytes) {
      this.fail('too-large');
      return;
    }
    if (this.#bytes === 0) this.#buffer = chunk;
    else {
      if (bytes > this.#buffer.length) this.#grow(Math.min(this.#maxBytes, 2 * bytes));
      chunk.copy(this.#buffer, this.#bytes);
    }
    this.#bytes = bytes;
  }

  #grow(capacity: number): void {
    const grown = Buffer.allocUnsafe(capacity);
    this.#buffer.copy(grown, 0, 0, this.#bytes);
    this.#buffer = grown;
  }

  end(): void {
    this.#tell(undefined, this.#buffer.subarray(0, this.#bytes));
  }

  fail(failure: BodyFailure): void {
    this.#tell(failure, NOTHING);
  }

  #tell(failure: BodyFailure | undefined, body: Buffer): void {
    const taker = this.#taker;
    this.#taker = undefined;
    this.#buffer = NOTHING;
    taker?.(failure, body);
  }
}

/**
 * A stream tells of its data and its end by events, in turns of their own and to listeners that are added and removed: a
 * fifteenth of what a small write costs. A body that `takeBody` asked for goes past all that: nothing of it enters the stream.
 */
export class WholeRequest extends IncomingMessage {
  #body: Body | undefined;
  /** Node's own: whether somebody reads the request, so that no rest of it is to be thrown away behind the answer. */
  declare _consuming: boolean;

  constructor(socket: Socket) {
    super(socket);
  }

  /** To be called in the turn in which the server tells of the request: before anything of the body came. */
  takeBody(body: Body): void {
    assert(!this.complete && this.readableLength === 0, 'nothing of a body is lost that came before');
    this.#body = body;
    this._consuming = true;
  }

  /** Node's parser calls it with what it read of the body, and with null at its end. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (this.#body === undefined) return super.push(chunk, encoding);
    if (chunk === null) this.#body.end();
    else this.#body.add(chunk);
    return true;
  }

  /** Node calls it when the connection breaks. */
  override destroy(error?: Error): this {
    this.#body?.fail('cut-off');
    return super.destroy(error);
  }
}

/** Calls `taker` once, maybe inside the call, with the whole body, or with why there is none. */
export function takeBody(request: IncomingMessage, maxBytes: number, taker: BodyTaker): void {
  const body = new Body(maxBytes, taker);
  if (Number(request.headers['content-length']) > maxBytes) body.fail('too-large');
  if (request instanceof WholeRequest) request.takeBody(body);
  else readStream(request, body);
}

/** Requests that Fastify's `inject` makes up are streams only. */
function readStream(stream: Readable, body: Body): void {
  stream.on('data', (chunk: Buffer) => body.add(chunk));
  finished(stream, (error) => (error ? body.fail('cut-off') : body.end()));
}
