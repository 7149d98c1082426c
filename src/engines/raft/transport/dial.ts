// Opens a connection and says hello, for messages, channels and probes alike.

import { type Address, parseAddress } from '../../../shared/address.ts';
import { asError, CodedError } from '../../../shared/coded-error.ts';
import type { FrameConnection } from './frame-connection.ts';
import { decodeHelloAnswer, type Hello, type HelloAnswer, writeHello } from './hello.ts';
import { openSocket } from './sockets.ts';
import type { TransportContext } from './transport-context.ts';

/** `address` is host:port. A probe expects no server: it asks which one is there. */
export type DialRequest = Pick<Hello, 'purpose' | 'expectedServer'> & { readonly address: string };

export type Accepted = Extract<HelloAnswer, { kind: 'accepted' }> & { readonly connection: FrameConnection };

export type DialResult =
  | Accepted
  | Extract<HelloAnswer, { kind: 'refused' }>
  /** The error is undefined when the other side closed in order, without an answer. */
  | { readonly kind: 'failed'; readonly error: Error | undefined };

export interface Dial {
  /** Gives the dial up: `done` is not called afterwards. */
  abandon(): void;
}

/** Dials and calls `done` once, never inside the call. The limits bound how long it takes. */
export function dial(
  context: TransportContext,
  request: DialRequest,
  done: (result: DialResult) => void,
): Dial {
  let address: Address;
  try {
    address = parseAddress(request.address);
  } catch (error) {
    const soon = setImmediate(done, { kind: 'failed', error: asError(error) });
    return { abandon: () => clearImmediate(soon) };
  }
  const { limits, live, handlers } = context;
  const { expectedServer } = request;
  const socket = openSocket(address, context);
  const connection = live.add(socket, request.address);
  const giveUp = (phase: string): void =>
    connection.destroy(new CodedError('unreachable', `${request.address} did not ${phase} in time`));
  let timer = setTimeout(giveUp, limits.connectTimeoutMs, 'take the connection');
  socket.once('connect', () => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, limits.helloTimeoutMs, 'answer the hello');
  });
  const settle = (result: DialResult | undefined): void => {
    clearTimeout(timer);
    connection.onFrame = () => undefined;
    connection.onClose = () => undefined;
    if (result?.kind !== 'accepted') connection.destroy(undefined);
    if (result !== undefined) done(result);
  };
  connection.onClose = (error) => settle({ kind: 'failed', error });
  connection.onFrame = (payload) => {
    const answer = connection.decoded(() => decodeHelloAnswer(payload));
    // The connection is being dropped, and `onClose` settles.
    if (answer === undefined) return;
    if (answer.kind === 'refused') settle(answer);
    else if (expectedServer !== undefined && answer.identity.server !== expectedServer) {
      settle({ kind: 'refused', reason: 'wrong-server' });
    } else settle({ ...answer, connection });
  };
  connection.queue((writer) => writeHello(writer, { ...request, identity: handlers.identity() }));
  return { abandon: () => settle(undefined) };
}

/** Returns the error for a dial that failed or was refused, for a caller that does not retry. */
export function dialError(address: string, result: Exclude<DialResult, { kind: 'accepted' }>): CodedError {
  if (result.kind === 'refused') {
    const { reason } = result;
    const message = `${address} refused the connection: ${reason}`;
    return new CodedError('peer_refused', message, { fields: { address, reason } });
  }
  const why = result.error?.message ?? 'it closed the connection';
  const options = { fields: { address }, cause: result.error };
  return new CodedError('unreachable', `cannot reach ${address}: ${why}`, options);
}
