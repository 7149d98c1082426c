// The node's side of a transport under test: it writes down what it is told, and notices callbacks inside calls.

import type { PeerMessage } from '../../src/codec/peer-message.ts';
import type {
  Channel,
  PeerIdentity,
  RefusalReason,
  Transport,
  TransportHandlers,
} from '../../src/node/ports.ts';
import type { ServerId } from '../../src/raft/configuration.ts';
import { present } from '../../src/shared/assert.ts';

export type PeerEvent =
  | { readonly kind: 'up'; readonly server: ServerId }
  | { readonly kind: 'down'; readonly server: ServerId; readonly cause: 'refused' | 'closed' | 'unreachable' }
  | { readonly kind: 'refused'; readonly server: ServerId; readonly reason: RefusalReason };

export class RecordingPeer implements TransportHandlers {
  readonly server: ServerId;
  clusterId: string;
  /** Whom `admit` turns away. */
  readonly refusals = new Map<ServerId, RefusalReason>();

  readonly admitted: PeerIdentity[] = [];
  readonly received: { readonly from: ServerId; readonly message: PeerMessage }[] = [];
  readonly events: PeerEvent[] = [];
  readonly channels: RecordedChannel[] = [];
  /** Rules of the port that were broken: stays empty. */
  readonly violations: string[] = [];

  /** Where it can be dialled, once it has started. */
  address = '';
  #transport: Transport | undefined;
  #callsUnderWay = 0;

  constructor(server: ServerId, clusterId = 'cluster-1') {
    this.server = server;
    this.clusterId = clusterId;
  }

  attach(transport: Transport, address: string): void {
    this.#transport = transport;
    this.address = address;
  }

  /** Every call goes through here, so that a callback inside it is seen. */
  call<T>(use: (transport: Transport) => T): T {
    this.#callsUnderWay++;
    try {
      return use(present(this.#transport, 'the peer has started'));
    } finally {
      this.#callsUnderWay--;
    }
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
    this.channels.push(this.record(channel, from));
  }

  record(channel: Channel, peer: ServerId): RecordedChannel {
    return new RecordedChannel(channel, peer, (callback) => this.#note(callback));
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
        attempt.settle(error, channel === undefined ? undefined : this.record(channel, to));
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

  /** How often an event of this kind was reported about `peer`. */
  count(kind: PeerEvent['kind'], peer: { readonly server: ServerId }): number {
    return this.events.filter((event) => event.kind === kind && event.server === peer.server).length;
  }

  isUp(peer: RecordingPeer): boolean {
    return this.events.findLast((event) => event.server === peer.server)?.kind === 'up';
  }

  #note(callback: string): void {
    if (this.#callsUnderWay > 0) this.violations.push(`${callback} was called inside a call`);
  }
}

/** The outcome of a call with a `done`. */
export class Attempt<T> {
  settled = 0;
  error: Error | undefined;
  value: T | undefined;

  settle(error: Error | undefined, value: T | undefined): void {
    this.settled++;
    this.error = error;
    this.value = value;
  }
}

export class RecordedChannel {
  readonly peer: ServerId;
  readonly frames: Uint8Array[] = [];
  readonly closes: (Error | undefined)[] = [];
  sentCount = 0;
  readonly #channel: Channel;
  readonly #note: (callback: string) => void;
  #callsUnderWay = 0;

  constructor(channel: Channel, peer: ServerId, note: (callback: string) => void) {
    this.#channel = channel;
    this.peer = peer;
    this.#note = (callback) =>
      note(this.#callsUnderWay > 0 ? `${callback} inside a call of its channel` : callback);
    channel.onFrame = (frame) => {
      this.#note('onFrame');
      this.frames.push(frame.slice());
    };
    channel.onClose = (error) => {
      this.#note('onClose');
      this.closes.push(error);
    };
  }

  /** Sends them one after the other, each when the one before has left. */
  sendAll(frames: readonly Uint8Array[], done: () => void = () => undefined): void {
    const [first, ...rest] = frames;
    if (first === undefined) {
      done();
      return;
    }
    this.#channel.send(first, () => {
      this.#note('sent');
      this.sentCount++;
      this.sendAll(rest, done);
    });
  }

  close(): void {
    this.#channel.close();
  }
}
