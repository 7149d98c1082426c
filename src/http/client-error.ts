// Answers on the bare socket, for requests that Node's HTTP parser refuses before any route.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import type { CodedError } from '../shared/coded-error.ts';
import { problem, problemAnswerFor } from './error-handler.ts';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

export class ClientErrors {
  readonly #lastExchanges = new WeakMap<Socket, Exchange>();

  /** Call it for every request as it begins. */
  noteExchange(request: IncomingMessage, response: ServerResponse): void {
    const last = this.#lastExchanges.get(request.socket);
    if (last === undefined) {
      this.#lastExchanges.set(request.socket, { request, response });
      return;
    }
    last.request = request;
    last.response = response;
  }

  /**
   * Answers and closes, or only closes if the caller would take the answer for that of an earlier request.
   */
  answer(error: ConnectionError, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable || !this.#isTurnToAnswer(socket)) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = problemAnswerFor(problemFor(error));
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

function problemFor(error: ConnectionError): CodedError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return problem('headers_too_large', 'Send a shorter URL and fewer or shorter headers.', {
        cause: error,
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problem('request_timeout', 'Send the whole request sooner.', { cause: error });
    default:
      return problem('malformed_request', 'Send a well-formed HTTP/1.1 request.', { cause: error });
  }
}
