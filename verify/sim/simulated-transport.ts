// The Transport port on the simulated network. As in the real one, each node dials each peer, and the
// connection that A dialled carries messages from A to B. Snapshots and probes have connections of their own.

import { decodePeerMessage, encodePeerMessage } from '../../src/engines/raft/codec/message-codec.ts';
import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type {
  Channel,
  PeerIdentity,
  RefusalReason,
  Transport,
  TransportHandlers,
} from '../../src/engines/raft/node/ports/transport.ts';
import { assert, present } from '../../src/shared/assert.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { ProcessLife } from './process-life.ts';
import { SimulatedChannel } from './simulated-channel.ts';
import type { Endpoint, WireItem } from './simulated-connection.ts';
import { dial } from './simulated-dial.ts';
import type { HostIndex } from './simulated-links.ts';
import type { Listener, SimulatedNetwork } from './simulated-network.ts';
import { SimulatedPeerLink } from './simulated-peer-link.ts';

export class SimulatedTransport implements Transport, Listener {
  readonly life: ProcessLife;
  readonly #network: SimulatedNetwork;
  readonly #host: HostIndex;
  readonly #links = new Map<ServerId, SimulatedPeerLink>();
  /** At most one message connection from each peer. A new one replaces one that broke without notice. */
  readonly #inbound = new Map<ServerId, Endpoint>();
  #handlers: TransportHandlers | undefined;
  #isClosed = false;

  constructor(network: SimulatedNetwork, owner: { host: HostIndex; life: ProcessLife }) {
    this.#network = network;
    this.#host = owner.host;
    this.life = owner.life;
  }

  start(handlers: TransportHandlers, done: (error: Error | undefined) => void): void {
    assert(this.#handlers === undefined, 'a transport starts once');
    this.#handlers = handlers;
    this.#soon(() => {
      this.#network.listen(this.#host, this);
      done(undefined);
    });
  }

  setPeers(peers: ReadonlyMap<ServerId, string>): void {
    if (this.#isClosed || !this.life.isAlive) return;
    for (const [server, link] of this.#links) {
      if (peers.has(server)) continue;
      this.#links.delete(server);
      link.close();
      this.#inbound.get(server)?.close();
    }
    for (const [server, address] of peers) {
      const link = this.#links.get(server);
      if (link === undefined) {
        const owner = { host: this.#host, life: this.life, handlers: this.#started };
        this.#links.set(server, new SimulatedPeerLink(this.#network, owner, { server, address }));
      } else if (link.address !== address) link.moveTo(address);
    }
  }

  send(to: ServerId, message: PeerMessage): boolean {
    if (!this.life.survivesCall()) return false;
    this.#network.observer.onSend(this.#host, to, message);
    return this.#links.get(to)?.send(this.#maybeThroughBytes(message)) ?? false;
  }

  /** Messages leave when they are sent. */
  flush(): void {}

  openChannel(to: ServerId, done: (error: Error | undefined, channel: Channel | undefined) => void): void {
    const address = this.#links.get(to)?.address;
    if (this.#isClosed || address === undefined) {
      this.#soon(() => done(new CodedError('unknown_peer', `${to} is not a peer of this node`), undefined));
      return;
    }
    const identity = this.#started.identity();
    const request = { address, purpose: 'channel', identity, expectedServer: to } as const;
    dial(this.#network, this.#owner, request, (result) => {
      if (result.kind === 'accepted')
        done(undefined, new SimulatedChannel(this.#network.timeline, result.end));
      else done(result.kind === 'failed' ? result.error : refusal(address, result.reason), undefined);
    });
  }

  probe(address: string, done: (error: Error | undefined, identity: PeerIdentity | undefined) => void): void {
    const identity = this.#started.identity();
    const request = { address, purpose: 'probe', identity, expectedServer: undefined } as const;
    dial(this.#network, this.#owner, request, (result) => {
      if (result.kind !== 'accepted') {
        done(result.kind === 'failed' ? result.error : refusal(address, result.reason), undefined);
        return;
      }
      result.end.close();
      done(undefined, result.identity);
    });
  }

  close(done: () => void): void {
    assert(!this.#isClosed, 'a transport closes once');
    this.#isClosed = true;
    this.#network.stopListening(this.#host, this);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#network.closeAll(this.#host, this.life);
    this.#soon(done);
  }

  // ------------------------------------------------------------ the accepting side

  accept(end: Endpoint): void {
    end.onItem = (item) => {
      if (item.kind === 'hello') this.#greet(end, item);
      else end.destroy(new CodedError('malformed', `a connection does not begin with '${item.kind}'`));
    };
  }

  #greet(end: Endpoint, hello: WireItem & { kind: 'hello' }): void {
    if (this.#isClosed) {
      end.destroy(undefined);
      return;
    }
    const reason = this.#judge(hello);
    if (reason !== undefined) {
      end.send({ kind: 'refused', reason });
      end.close();
      return;
    }
    end.send({ kind: 'accepted', identity: this.#started.identity() });
    const { server } = hello.identity;
    if (hello.purpose === 'messages') this.#takeMessages(end, server);
    else if (hello.purpose === 'channel') {
      this.#started.onChannel(server, new SimulatedChannel(this.#network.timeline, end));
    } else end.onItem = () => undefined;
  }

  #judge({ purpose, identity, expectedServer }: WireItem & { kind: 'hello' }): RefusalReason | undefined {
    if (purpose === 'probe') return undefined;
    const refused = this.#started.admit(identity);
    if (refused !== undefined) return refused;
    return expectedServer === this.#started.identity().server ? undefined : 'wrong-server';
  }

  #takeMessages(end: Endpoint, from: ServerId): void {
    this.#inbound.get(from)?.destroy(undefined);
    this.#inbound.set(from, end);
    end.onClosed = () => {
      if (this.#inbound.get(from) === end) this.#inbound.delete(from);
    };
    end.onItem = (item) => {
      if (item.kind === 'message' && !this.#isClosed) this.#started.onMessage(from, item.message);
    };
  }

  /** Encodes and decodes a message at random, which exposes data that the codec loses. */
  #maybeThroughBytes(message: PeerMessage): PeerMessage {
    if (!this.#network.draws.chance(this.#network.links.profile.codecChance)) return message;
    return decodePeerMessage(encodePeerMessage(message));
  }

  #soon(action: () => void): void {
    this.#network.timeline.schedule(0, this.life, action);
  }

  get #started(): TransportHandlers {
    return present(this.#handlers, 'the transport was started');
  }

  get #owner(): { host: HostIndex; life: ProcessLife } {
    return { host: this.#host, life: this.life };
  }
}

function refusal(address: string, reason: RefusalReason): CodedError {
  return new CodedError('peer_refused', `${address} refused the connection: ${reason}`, {
    fields: { address, reason },
  });
}
