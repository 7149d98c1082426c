// The Transport port over TCP, or over TLS when it is given keys.
//
// Each node dials each peer: the connection that A dialled carries messages from A to B, and only receipts
// back. Snapshots and probes have connections of their own.

import type { Address } from '../../../shared/address.ts';
import { assert, present } from '../../../shared/assert.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import type { Channel, PeerIdentity, Transport, TransportHandlers } from '../node/ports/transport.ts';
import { Acceptor } from './acceptor.ts';
import { BoundedLog } from './bounded-log.ts';
import { type Accepted, type DialRequest, dial, dialError } from './dial.ts';
import type { ServerId } from './hello.ts';
import { DEFAULT_LIMITS, type TransportLimits } from './limits.ts';
import { PeerLink } from './peer-link.ts';
import type { TlsMaterial } from './sockets.ts';
import { LiveConnections, type TransportContext } from './transport-context.ts';

interface TcpTransportOptions {
  readonly listenAddress: Address;
  readonly logger: Logger;
  readonly tls?: TlsMaterial | undefined;
  /** Defaults to DEFAULT_LIMITS. */
  readonly limits?: Partial<TransportLimits>;
}

export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;
  readonly #links = new Map<ServerId, PeerLink>();
  #started: { readonly context: TransportContext; readonly acceptor: Acceptor } | undefined;
  #closed = false;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
  }

  /** Fails with `address_in_use`, `address_unavailable` or `listen_failed`. */
  start(handlers: TransportHandlers, done: (error: Error | undefined) => void): void {
    assert(this.#started === undefined, 'a transport starts once');
    const { listenAddress, logger, tls } = this.#options;
    const limits = { ...DEFAULT_LIMITS, ...this.#options.limits };
    const boundedLog = new BoundedLog(logger);
    const live = new LiveConnections(limits);
    const context: TransportContext = { handlers, logger, boundedLog, limits, tls, live };
    const acceptor = new Acceptor(context, (from) => this.#links.get(from)?.onCall());
    this.#started = { context, acceptor };
    acceptor.listen(listenAddress, done);
  }

  /** The host:port it listens on, once `start` is done. */
  get listenAddress(): string {
    return this.#running.acceptor.address;
  }

  setPeers(peers: ReadonlyMap<ServerId, string>): void {
    if (this.#closed) return;
    const { context, acceptor } = this.#running;
    for (const [server, link] of this.#links) {
      if (peers.has(server)) continue;
      this.#links.delete(server);
      link.close();
      acceptor.disconnect(server);
    }
    for (const [server, address] of peers) {
      const link = this.#links.get(server);
      if (link === undefined) this.#links.set(server, new PeerLink(context, server, address));
      else if (link.address !== address) link.moveTo(address);
    }
  }

  send(to: ServerId, message: PeerMessage): boolean {
    return this.#links.get(to)?.send(message) ?? false;
  }

  flush(): void {
    for (const link of this.#links.values()) link.flush();
  }

  /** Fails with `unknown_peer`, `unreachable`, `peer_refused` (with the reason) or `transport_closed`. */
  openChannel(to: ServerId, done: (error: Error | undefined, channel: Channel | undefined) => void): void {
    const address = this.#links.get(to)?.address;
    if (address === undefined && !this.#closed) {
      setImmediate(done, new CodedError('unknown_peer', `${to} is not a peer of this node`), undefined);
      return;
    }
    const request = { address: address ?? '', purpose: 'channel', expectedServer: to } as const;
    this.#dialOnce(request, (error, accepted) => done(error, accepted?.connection.becomeChannel()));
  }

  /** Fails with `unreachable`, `peer_refused` (another protocol version) or `transport_closed`. */
  probe(address: string, done: (error: Error | undefined, identity: PeerIdentity | undefined) => void): void {
    this.#dialOnce({ address, purpose: 'probe', expectedServer: undefined }, (error, accepted) => {
      accepted?.connection.close();
      done(error, accepted?.identity);
    });
  }

  #dialOnce(
    request: DialRequest,
    done: (error: Error | undefined, accepted: Accepted | undefined) => void,
  ): void {
    const closed = new CodedError('transport_closed', 'this node is closing its connections');
    if (this.#closed) {
      setImmediate(done, closed, undefined);
      return;
    }
    dial(this.#running.context, request, (result) => {
      if (result.kind === 'accepted') done(undefined, result);
      else done(this.#closed ? closed : dialError(request.address, result), undefined);
    });
  }

  /** Sends the queues within a time limit. Afterwards only the ends of channels and dials are reported. */
  close(done: () => void): void {
    assert(!this.#closed, 'a transport closes once');
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    if (this.#started === undefined) {
      setImmediate(done);
      return;
    }
    const { context, acceptor } = this.#started;
    // The listener is done only after the last connection that it accepted is closed.
    acceptor.close(() => context.live.closeAll(done));
    context.live.closeAll(() => undefined);
  }

  get #running(): { readonly context: TransportContext; readonly acceptor: Acceptor } {
    return present(this.#started, 'the transport is started first');
  }
}
