// Opens a connection and says hello, for messages, channels and probes alike.

import { parseAddress } from '../../../shared/address.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { PeerIdentity, RefusalReason } from '../node/ports/transport.ts';
import type { FrameConnection } from './frame-connection.ts';
import { decodeHelloAnswer, type Purpose, type ServerId, writeHello } from './hello.ts';
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
  | { readonly kind: 'accepted'; readonly connection: FrameConnection; readonly identity: PeerIdentity }
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
  const address = codedErrorOr(() => parseAddress(request.address));
  if (address instanceof CodedError) {
    const soon = setImmediate(done, { kind: 'failed', error: address });
    return { abandon: () => clearImmediate(soon) };
  }
  const { limits, tls, live, handlers } = context;
  const { purpose, expectedServer } = request;
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
  connection.onFrame = (payload) => settle(judge(connection, expectedServer, payload));
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
  expectedServer: ServerId | undefined,
  bytes: Uint8Array,
): DialResult {
  const answer = codedErrorOr(() => decodeHelloAnswer(bytes));
  if (answer instanceof CodedError) return { kind: 'failed', error: answer };
  if (answer.kind === 'refused') return answer;
  const { identity } = answer;
  if (expectedServer !== undefined && identity.server !== expectedServer) {
    return { kind: 'refused', reason: 'wrong-server' };
  }
  return { kind: 'accepted', connection, identity };
}

function codedErrorOr<T>(parse: () => T): T | CodedError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}
