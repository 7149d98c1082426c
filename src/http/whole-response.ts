// Answers whose headers and body leave as one string.

import { type IncomingMessage, ServerResponse } from 'node:http';

/**
 * Node's own `end` puts an empty string behind the body, so that every answer is two parts for the system to gather: a
 * twentieth of what a request costs. Here the body is written first, and then there is nothing left to send.
 */
export class WholeResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  override end(...[chunk, ...others]: unknown[]): this {
    const { socket } = this;
    // Without its headers made an answer of unknown length would begin here.
    const isReady = this.headersSent && !this.chunkedEncoding && !this.writableEnded;
    if (!isReady || socket === null || socket.destroyed || typeof chunk !== 'string' || chunk === '')
      return this.#end([chunk, ...others]);
    const encoding = typeof others[0] === 'string' ? (others[0] as BufferEncoding) : 'utf8';
    // Corked, or `write` would cork it until the end of the turn.
    socket.cork();
    this.write(chunk, encoding);
    socket.uncork();
    return this.#end(others.filter((other) => typeof other === 'function'));
  }

  #end(parameters: unknown[]): this {
    return (super.end as (...parameters: unknown[]) => this)(...parameters);
  }
}
