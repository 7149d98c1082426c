// The one place where TCP and TLS differ.

import net from 'node:net';
import tls from 'node:tls';
import { type Address, formatAddress } from '../../../shared/address.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TransportLimits } from './limits.ts';

/**
 * PEM texts for mutual TLS: each side presents its certificate and accepts only those that the authority
 * signed. The subject alternative names of a certificate must include the host that peers dial.
 */
export type TlsMaterial = Readonly<Record<'key' | 'cert' | 'ca', string>>;

const MUTUAL = { minVersion: 'TLSv1.3', rejectUnauthorized: true } as const;

interface SocketOptions {
  readonly tls: TlsMaterial | undefined;
  readonly limits: TransportLimits;
}

/** Begins to connect. The socket emits `connect` once TCP is connected; writes wait for TLS as well. */
export function openSocket(address: Address, { tls: material, limits }: SocketOptions): net.Socket {
  const target = { host: address.host, port: address.port };
  return tuned(material ? tls.connect({ ...target, ...material, ...MUTUAL }) : net.connect(target), limits);
}

/** Creates a server that passes on sockets which are ready to be read; with TLS, after the handshake. */
export function createServer(
  { tls: material, limits }: SocketOptions,
  onSocket: (socket: net.Socket) => void,
): net.Server {
  const greet = (socket: net.Socket): void => onSocket(tuned(socket, limits));
  const accepting = { requestCert: true, handshakeTimeout: limits.helloTimeoutMs };
  const server = material
    ? tls.createServer({ ...material, ...MUTUAL, ...accepting }, greet)
    : net.createServer(greet);
  server.maxConnections = limits.maxInboundConnections;
  return server;
}

function tuned(socket: net.Socket, limits: TransportLimits): net.Socket {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, limits.keepAliveDelayMs);
  return socket;
}

/** Why there is no connection. `refused` and `closed` come from a host that is alive. */
type DownCause = 'refused' | 'closed' | 'unreachable';

const CLOSED_BY_PEER: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'malformed']);

/** Returns the cause for the error that ended a connection or a dial; no error means an orderly close. */
export function downCause(error: Error | undefined): DownCause {
  if (error === undefined) return 'closed';
  const code = errorCode(error);
  if (code === 'ECONNREFUSED') return 'refused';
  return CLOSED_BY_PEER.has(code) ? 'closed' : 'unreachable';
}

/** Returns the error for a `listen` that failed, with a sentence for the person who started the node. */
export function listenError(address: Address, cause: Error): CodedError {
  const shown = formatAddress(address);
  const options = { fields: { address: shown }, cause };
  switch (errorCode(cause)) {
    case 'EADDRINUSE':
      return new CodedError('address_in_use', `another program already listens on ${shown}`, options);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CodedError('address_unavailable', `${shown} is not an address of this machine`, options);
    default:
      return new CodedError('listen_failed', `cannot listen on ${shown}: ${cause.message}`, options);
  }
}

function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
