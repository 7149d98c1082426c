// Answers on the bare socket, for requests that Node's HTTP parser refuses before any route.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import { problem, problemAnswerFor } from './error-handler.ts';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

const MALFORMED = problem('malformed_request', 'Send a well-formed HTTP/1.1 request.');

/** Errors of Node's parser, by their codes. */
const PARSER_PROBLEMS = new Map<string | undefined, Error>([
  ['HPE_HEADER_OVERFLOW', problem('headers_too_large', 'Send a shorter URL and fewer or shorter headers.')],
  ['ERR_HTTP_REQUEST_TIMEOUT', problem('request_timeout', 'Send the whole request sooner.')],
]);

export class ClientErrors {
  readonly #lastExchanges = new WeakMap<Socket, Exchange>();

  /** Call it for every request as it begins. */
  noteExchange(request: IncomingMessage, response: ServerResponse): void {
    const last = this.#lastExchanges.get(request.socket);
    if (last === undefined) this.#lastExchanges.set(request.socket, { request, response });
    else {
      last.request = request;
      last.response = response;
    }
  }

  /** Answers and closes. Only closes if the caller would take the answer for that of an earlier request. */
  answer(error: ConnectionError, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable || !this.#isTurnToAnswer(socket)) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = problemAnswerFor(PARSER_PROBLEMS.get(error.code) ?? MALFORMED);
    const headerLines = Object.entries({
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${headerLines.join('')}\r\n${body}`);
  }

  #isTurnToAnswer(socket: Socket): boolean {
    const exchange = this.#lastExchanges.get(socket);
    if (exchange === undefined) return true;
    const { request, response } = exchange;
    // This is the rest of a refused request's body. A second answer would pass for that of the next request.
    if (response.writableFinished) return request.complete;
    // An incomplete request is the one at fault. A complete one still waits for its own answer.
    return !request.complete && !response.headersSent;
  }
}
