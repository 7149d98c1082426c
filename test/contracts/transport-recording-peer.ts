// The node above a transport under test: records what the transport reports, and notices callbacks inside
// calls.

import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type {
  Channel,
  PeerIdentity,
  RefusalReason,
  Transport,
  TransportHandlers,
} from '../../src/engines/raft/node/ports/transport.ts';
import { present } from '../../src/shared/assert.ts';

type PeerEvent =
  | { readonly kind: 'up'; readonly server: ServerId }
  | { readonly kind: 'down'; readonly server: ServerId; readonly cause: 'refused' | 'closed' | 'unreachable' }
  | { readonly kind: 'refused'; readonly server: ServerId; readonly reason: RefusalReason };

export class RecordingPeer implements TransportHandlers {
  readonly server: ServerId;
  clusterId: string;
  /** The servers that `admit` refuses, with the reason. */
  readonly refusals = new Map<ServerId, RefusalReason>();

  readonly admitted: PeerIdentity[] = [];
  readonly received: { readonly from: ServerId; readonly message: PeerMessage }[] = [];
  readonly events: PeerEvent[] = [];
  readonly channels: RecordedChannel[] = [];
  /** The rules of the port that were broken: must stay empty. */
  readonly violations: string[] = [];

  /** The address to dial, once the peer has started. */
  address = '';
  #transport: Transport | undefined;
  readonly #calls = new Calls();

  constructor(server: ServerId, clusterId = 'cluster-1') {
    this.server = server;
    this.clusterId = clusterId;
  }

  attach(transport: Transport, address: string): void {
    this.#transport = transport;
    this.address = address;
  }

  call<T>(use: (transport: Transport) => T): T {
    return this.#calls.during(() => use(present(this.#transport, 'the peer has started')));
  }

  identity(): PeerIdentity {
    return { server: this.server, clusterId: this.clusterId };
  }

  admit(peer: PeerIdentity): RefusalReason | undefined {
    this.#note('admit');
    if (peer.clusterId !== '' && this.clusterId !== '' && peer.clusterId !== this.clusterId) {
      return 'foreign-cluster';
    }
    const refusal = this.refusals.get(peer.server);
    if (refusal === undefined) this.admitted.push(peer);
    return refusal;
  }

  onMessage(from: ServerId, message: PeerMessage): void {
    this.#note('onMessage');
    if (!this.admitted.some((peer) => peer.server === from)) this.violations.push(`${from} spoke unadmitted`);
    this.received.push({ from, message });
  }

  onPeerUp(server: ServerId): void {
    this.#note('onPeerUp');
    this.events.push({ kind: 'up', server });
  }

  onPeerDown(server: ServerId, cause: 'refused' | 'closed' | 'unreachable'): void {
    this.#note('onPeerDown');
    this.events.push({ kind: 'down', server, cause });
  }

  onRefused(server: ServerId, reason: RefusalReason): void {
    this.#note('onRefused');
    this.events.push({ kind: 'refused', server, reason });
  }

  onChannel(from: ServerId, channel: Channel): void {
    this.#note('onChannel');
    this.channels.push(this.#record(channel, from));
  }

  #record(channel: Channel, peer: ServerId): RecordedChannel {
    const recorded = new RecordedChannel(channel, peer, this.#calls);
    channel.onFrame = (frame) => {
      this.#note('onFrame');
      recorded.frames.push(frame.slice());
    };
    channel.onClose = (error) => {
      this.#note('onClose');
      recorded.closes.push(error);
    };
    return recorded;
  }

  connectTo(...peers: readonly RecordingPeer[]): void {
    this.call((transport) => transport.setPeers(new Map(peers.map((peer) => [peer.server, peer.address]))));
  }

  send(to: RecordingPeer, message: PeerMessage): boolean {
    return this.call((transport) => transport.send(to.server, message));
  }

  openChannel(to: ServerId): Attempt<RecordedChannel> {
    const attempt = new Attempt<RecordedChannel>();
    this.call((transport) =>
      transport.openChannel(to, (error, channel) => {
        this.#note('openChannel done');
        attempt.settle(error, channel === undefined ? undefined : this.#record(channel, to));
      }),
    );
    return attempt;
  }

  probe(address: string): Attempt<PeerIdentity> {
    const attempt = new Attempt<PeerIdentity>();
    this.call((transport) =>
      transport.probe(address, (error, identity) => {
        this.#note('probe done');
        attempt.settle(error, identity);
      }),
    );
    return attempt;
  }

  /** Returns how often an event of this kind was reported about `peer`. */
  count(kind: PeerEvent['kind'], peer: { readonly server: ServerId }): number {
    return this.events.filter((event) => event.kind === kind && event.server === peer.server).length;
  }

  isUp(peer: RecordingPeer): boolean {
    return this.events.findLast((event) => event.server === peer.server)?.kind === 'up';
  }

  #note(callback: string): void {
    if (this.#calls.underWay > 0) this.violations.push(`${callback} was called inside a call`);
  }
}

/** The outcome of a call with a `done`. */
class Attempt<T> {
  settled = 0;
  error: Error | undefined;
  value: T | undefined;

  settle(error: Error | undefined, value: T | undefined): void {
    this.settled++;
    this.error = error;
    this.value = value;
  }
}

class RecordedChannel {
  readonly peer: ServerId;
  readonly frames: Uint8Array[] = [];
  readonly closes: (Error | undefined)[] = [];
  sentCount = 0;
  readonly #channel: Channel;
  readonly #calls: Calls;

  constructor(channel: Channel, peer: ServerId, calls: Calls) {
    this.#channel = channel;
    this.peer = peer;
    this.#calls = calls;
  }

  /** Sends the frames one after the other, each when the one before has left. */
  sendAll(frames: readonly Uint8Array[], done: () => void = () => undefined): void {
    const [first, ...rest] = frames;
    if (first === undefined) {
      done();
      return;
    }
    let returned = false;
    const sent = (): void => {
      if (!returned) throw new Error('sent was called inside send');
      this.sentCount++;
      this.sendAll(rest, done);
    };
    this.#calls.during(() => this.#channel.send(first, sent));
    returned = true;
  }

  close(): void {
    this.#calls.during(() => this.#channel.close());
  }
}

/** Counts the calls of the transport and its channels that are on the stack. */
class Calls {
  underWay = 0;

  during<T>(use: () => T): T {
    this.underWay++;
    try {
      return use();
    } finally {
      this.underWay--;
    }
  }
}
