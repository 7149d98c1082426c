// The accepting side: takes connections from peers, judges their hello, and passes what they carry to the
// handlers.

import type { AddressInfo, Server, Socket } from 'node:net';
import { type Address, formatAddress } from '../../../shared/address.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_FRAME_PAYLOAD_BYTES } from '../codec/frame.ts';
import { malformed } from '../codec/malformed.ts';
import { decodePeerMessage } from '../codec/message-codec.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import type { RefusalReason } from '../node/ports/transport.ts';
import type { FrameConnection } from './frame-connection.ts';
import { decodeHello, type Hello, type ServerId, writeHelloAnswer } from './hello.ts';
import { confirmReceipts } from './receipts.ts';
import { createServer, listenError } from './sockets.ts';
import type { TransportContext } from './transport-context.ts';

export class Acceptor {
  readonly #context: TransportContext;
  readonly #onPeerCall: (from: ServerId) => void;
  readonly #server: Server;
  /** At most one message connection for each peer: a new one replaces one that died unnoticed. */
  readonly #messageConnections = new Map<ServerId, FrameConnection>();

  /** Calls `onPeerCall` when a peer opened its message connection. */
  constructor(context: TransportContext, onPeerCall: (from: ServerId) => void) {
    this.#context = context;
    this.#onPeerCall = onPeerCall;
    this.#server = createServer(context, (socket) => this.#greet(socket));
    this.#server.on('drop', () =>
      context.boundedLog.warn('connections', 'too many connections: dropped one more', {
        maxConnections: context.limits.maxInboundConnections,
      }),
    );
    this.#server.on('tlsClientError', (error: Error, socket: Socket) => {
      this.#complain(socket.remoteAddress ?? 'unknown', error);
      socket.destroy();
    });
  }

  /** Fails with `address_in_use`, `address_unavailable` or `listen_failed`. */
  listen(address: Address, done: (error: CodedError | undefined) => void): void {
    const server = this.#server;
    const onError = (error: Error): void => done(listenError(address, error));
    server.once('error', onError);
    server.listen({ port: address.port, ...(address.host === '' ? {} : { host: address.host }) }, () => {
      server.off('error', onError);
      server.on('error', ({ message: error }) =>
        this.#context.boundedLog.warn('listen', 'a connection could not be accepted', { error }),
      );
      done(undefined);
    });
  }

  /** The address it listens on, with the port that the system chose for port 0. */
  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return formatAddress({ host: address, port });
  }

  /** Closes the peer's message connection: the peer must say hello again. */
  disconnect(server: ServerId): void {
    this.#messageConnections.get(server)?.close();
  }

  /** Takes no more connections, and calls `done` when the accepted ones are closed too. */
  close(done: () => void): void {
    this.#server.close(() => done());
  }

  #greet(socket: Socket): void {
    const { live, limits } = this.#context;
    const host = socket.remoteAddress ?? 'unknown';
    const connection = live.add(socket, host);
    const timer = setTimeout(() => {
      connection.destroy(malformed('no hello arrived in time'));
    }, limits.helloTimeoutMs);
    connection.onClose = (error) => {
      clearTimeout(timer);
      if (error !== undefined) this.#complain(host, error);
    };
    connection.onFrame = (payload) => {
      clearTimeout(timer);
      const hello = connection.decoded(() => decodeHello(payload));
      if (hello !== undefined) this.#handleHello(connection, host, hello);
    };
  }

  #handleHello(connection: FrameConnection, host: string, hello: Hello | 'other-version'): void {
    const { boundedLog, handlers } = this.#context;
    const reason = hello === 'other-version' ? 'version' : this.#judge(hello);
    if (hello === 'other-version' || reason !== undefined) {
      const identity = hello === 'other-version' ? undefined : hello.identity;
      const fields = { host, reason, peer: identity?.server, cluster: identity?.clusterId };
      boundedLog.warn(`refused ${host} ${reason}`, 'refused a connection', fields);
      connection.queue((writer) =>
        writeHelloAnswer(writer, { kind: 'refused', reason: reason ?? 'version' }),
      );
      connection.close();
      return;
    }
    const identity = handlers.identity();
    connection.queue((writer) => writeHelloAnswer(writer, { kind: 'accepted', identity }));
    const { server } = hello.identity;
    switch (hello.purpose) {
      case 'messages':
        this.#takeMessages(connection, host, server);
        this.#onPeerCall(server);
        return;
      case 'channel':
        handlers.onChannel(server, connection.becomeChannel());
        return;
      case 'probe':
        connection.close();
        return;
    }
  }

  /** A probe is always answered. Another connection must be admitted, and must expect this server. */
  #judge({ purpose, identity, expectedServer }: Hello): RefusalReason | undefined {
    if (purpose === 'probe') return undefined;
    const { handlers } = this.#context;
    // `admit` goes first: the other cluster of a dialler is the reason, although it expects another server.
    const refusal = handlers.admit(identity);
    if (refusal !== undefined) return refusal;
    return expectedServer === handlers.identity().server ? undefined : 'wrong-server';
  }

  #takeMessages(connection: FrameConnection, host: string, from: ServerId): void {
    const { handlers, limits } = this.#context;
    const receipts = confirmReceipts(connection, limits.receiptIntervalMs);
    this.#messageConnections.get(from)?.destroy(undefined);
    this.#messageConnections.set(from, connection);
    connection.maxPayloadBytes = MAX_FRAME_PAYLOAD_BYTES;
    connection.onClose = (error) => {
      receipts.stop();
      if (this.#messageConnections.get(from) === connection) this.#messageConnections.delete(from);
      if (error !== undefined) this.#complain(host, error, from);
    };
    connection.onFrame = (payload) => {
      const message = connection.decoded(() => this.#decode(payload, from));
      if (message !== undefined) handlers.onMessage(from, message);
    };
  }

  /** Throws `malformed`, also for a message whose sender or receiver is not an end of this connection. */
  #decode(payload: Uint8Array, from: ServerId): PeerMessage {
    const message = decodePeerMessage(payload);
    if (message.kind !== 'raft') return message;
    if (message.message.from !== from) {
      throw malformed(`${from} sent a message that names ${message.message.from} as its sender`);
    }
    if (message.message.to !== this.#context.handlers.identity().server) {
      throw malformed(`${from} sent a message that is addressed to ${message.message.to}`);
    }
    return message;
  }

  /** Logs why a connection was dropped. A reset is not logged: peers come and go. */
  #complain(host: string, error: Error, peer?: ServerId): void {
    if (!(error instanceof CodedError) && 'code' in error && error.code === 'ECONNRESET') return;
    const fields = { host, error: error.message, peer };
    this.#context.boundedLog.warn(`dropped ${host}`, 'dropped a connection', fields);
  }
}
