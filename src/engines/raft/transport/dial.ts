// Opens a connection and says hello, for messages, channels and probes alike.

import { type Address, parseAddress } from '../../../shared/address.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { PeerIdentity, RefusalReason } from '../node/ports/transport.ts';
import type { FrameConnection } from './frame-connection.ts';
import { decodeHelloAnswer, type HelloAnswer, type Purpose, type ServerId, writeHello } from './hello.ts';
import { openSocket } from './sockets.ts';
import type { TransportContext } from './transport-context.ts';

interface DialRequest {
  /** host:port */
  readonly address: string;
  readonly purpose: Purpose;
  /** Undefined for a probe, which asks which server is there. */
  readonly expectedServer: ServerId | undefined;
}

export type DialResult =
  | {
      readonly kind: 'accepted';
      readonly connection: FrameConnection;
      readonly identity: PeerIdentity;
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
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
  const address = readAddress(request.address);
  if (address instanceof CodedError) return failSoon(address, done);

  const { limits, tls, live, handlers } = context;
  const socket = openSocket(address, { tls, limits });
  const connection = live.add(socket, { limits, remoteName: request.address });
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
    connection.onClosed = () => undefined;
    if (result?.kind !== 'accepted') connection.destroy(undefined);
    if (result !== undefined) done(result);
  };
  connection.onClosed = (error) => settle({ kind: 'failed', error });
  connection.onFrame = (payload) => settle(judge(connection, request, payload));

  const { purpose, expectedServer } = request;
  connection.send((writer) => writeHello(writer, { purpose, identity: handlers.identity(), expectedServer }));
  return { abandon: () => settle(undefined) };
}

/** Returns the error for a dial that failed or was refused, for a caller that does not retry. */
export function dialError(address: string, result: Exclude<DialResult, { kind: 'accepted' }>): CodedError {
  if (result.kind === 'refused') {
    return new CodedError('peer_refused', `${address} refused the connection: ${result.reason}`, {
      fields: { address, reason: result.reason },
    });
  }
  const why = result.error?.message ?? 'it closed the connection';
  return new CodedError('unreachable', `cannot reach ${address}: ${why}`, {
    fields: { address },
    cause: result.error,
  });
}

function judge(
  connection: FrameConnection,
  { expectedServer }: DialRequest,
  payload: Uint8Array,
): DialResult {
  let answer: HelloAnswer;
  try {
    answer = decodeHelloAnswer(payload);
  } catch (error) {
    if (error instanceof CodedError) return { kind: 'failed', error };
    throw error;
  }
  if (answer.kind === 'refused') return answer;
  const { identity } = answer;
  if (expectedServer !== undefined && identity.server !== expectedServer) {
    return { kind: 'refused', reason: 'wrong-server' };
  }
  return { kind: 'accepted', connection, identity };
}

function readAddress(text: string): Address | CodedError {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

function failSoon(error: Error, done: (result: DialResult) => void): Dial {
  const soon = setImmediate(done, { kind: 'failed', error });
  return { abandon: () => clearImmediate(soon) };
}
