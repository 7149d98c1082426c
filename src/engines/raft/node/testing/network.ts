// A network in memory for tests: keeps order, delivers after a moment, and can be cut.

import { assert, present } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { decodePeerMessage, encodePeerMessage } from '../../codec/message-codec.ts';
import type { PeerMessage } from '../../codec/peer-message.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { Channel, PeerIdentity, Transport, TransportHandlers } from '../ports/transport.ts';
import type { TestClock } from './clock.ts';

const TRAVEL_MS = 1;
const REDIAL_MS = 20;
const SPOILT = 0xdb;

export class TestChannel implements Channel {
  onFrame: (frame: Uint8Array) => void = () => undefined;
  onClose: (error: Error | undefined) => void = () => undefined;
  readonly #clock: TestClock;
  readonly #mangle: (frame: Uint8Array) => Uint8Array;
  other: TestChannel | undefined;
  isOpen = true;
  /** `sent` is called after this, however fast the other end answers. */
  sentAfterMs = 0;
  readonly frames: Uint8Array[] = [];

  private constructor(clock: TestClock, mangle: (frame: Uint8Array) => Uint8Array) {
    this.#clock = clock;
    this.#mangle = mangle;
  }

  /** Makes two ends. `mangle` may change the frames that the first end sends. */
  static pair(
    clocks: readonly [TestClock, TestClock],
    mangle: (frame: Uint8Array) => Uint8Array = (frame) => frame,
  ): [TestChannel, TestChannel] {
    const first = new TestChannel(clocks[0], mangle);
    const second = new TestChannel(clocks[1], (frame) => frame);
    first.other = second;
    second.other = first;
    return [first, second];
  }

  send(frame: Uint8Array, sent: () => void): void {
    if (!this.isOpen) return;
    const kept = frame.slice();
    this.frames.push(kept);
    const arrived = this.#mangle(frame.slice());
    const other = present(this.other, 'a channel has two ends');
    other.#clock.after(TRAVEL_MS, () => {
      if (other.isOpen) other.onFrame(arrived);
    });
    this.#clock.after(this.sentAfterMs, () => {
      if (!this.isOpen) return;
      const isUnchanged = frame.every((byte, at) => byte === kept[at]);
      assert(isUnchanged, 'a frame does not change until it is sent');
      sent();
    });
  }

  /** Overwrites the bytes at once, so that a later read of them shows. */
  giveBack(bytes: Uint8Array): void {
    bytes.fill(SPOILT);
  }

  close(): void {
    this.#end(undefined);
    const { other } = this;
    if (other !== undefined) other.#clock.after(TRAVEL_MS, () => other.#end(undefined));
  }

  /** Tells both ends that the connection broke. */
  break(): void {
    const error = new CodedError('reset', 'the connection broke');
    this.#end(error);
    if (this.other !== undefined) this.other.#end(error);
  }

  #end(error: Error | undefined): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#clock.soon(() => this.onClose(error));
  }
}

export class TestNetwork {
  readonly transports = new Map<string, TestTransport>();
  /** Addresses that receive and send nothing. */
  readonly cutOff = new Set<string>();
  readonly channels: TestChannel[] = [];
  /** Drops a message by returning false. */
  filter: (from: ServerId, to: ServerId, message: PeerMessage) => boolean = () => true;

  isCut(a: string, b: string): boolean {
    return this.cutOff.has(a) || this.cutOff.has(b);
  }
}

interface Link {
  readonly server: ServerId;
  readonly address: string;
  peer: TestTransport | undefined;
  isClosed: boolean;
}

export class TestTransport implements Transport {
  readonly #network: TestNetwork;
  readonly #clock: TestClock;
  readonly #address: string;
  readonly #links = new Map<ServerId, Link>();
  #handlers: TransportHandlers | undefined;
  isClosed = false;

  constructor(network: TestNetwork, clock: TestClock, address: string) {
    this.#network = network;
    this.#clock = clock;
    this.#address = address;
  }

  start(handlers: TransportHandlers, done: (error: Error | undefined) => void): void {
    this.#handlers = handlers;
    this.#clock.soon(() => {
      this.#network.transports.set(this.#address, this);
      done(undefined);
    });
  }

  get handlers(): TransportHandlers {
    return present(this.#handlers, 'a transport is started first');
  }

  setPeers(peers: ReadonlyMap<ServerId, string>): void {
    for (const [server, link] of this.#links) {
      if (peers.get(server) === link.address) continue;
      link.isClosed = true;
      this.#links.delete(server);
      // A server that is no longer a peer must say hello again.
      if (!peers.has(server)) link.peer?.lose(this);
    }
    if (this.isClosed) return;
    for (const [server, address] of peers) {
      if (this.#links.has(server)) continue;
      const link = { server, address, peer: undefined, isClosed: false };
      this.#links.set(server, link);
      this.#dial(link);
    }
  }

  #dial(link: Link): void {
    this.#clock.after(TRAVEL_MS, () => {
      if (link.isClosed) return;
      const again = (): void => {
        this.#clock.after(REDIAL_MS, () => this.#dial(link));
      };
      const peer = this.#network.transports.get(link.address);
      if (this.#network.isCut(this.#address, link.address)) {
        this.handlers.onPeerDown(link.server, 'unreachable');
        again();
      } else if (peer === undefined) {
        this.handlers.onPeerDown(link.server, 'refused');
        again();
      } else {
        const reason = peer.#greet(this.handlers.identity(), link.server);
        if (reason === undefined) {
          link.peer = peer;
          this.handlers.onPeerUp(link.server);
        } else {
          again();
          this.handlers.onRefused(link.server, reason);
        }
      }
    });
  }

  #greet(peer: PeerIdentity, expected: ServerId): ReturnType<TransportHandlers['admit']> {
    const reason = this.handlers.admit(peer);
    if (reason !== undefined) return reason;
    return expected === this.handlers.identity().server ? undefined : 'wrong-server';
  }

  /** Messages travel as soon as they are sent. */
  flush(): void {}

  send(to: ServerId, message: PeerMessage): boolean {
    const link = this.#links.get(to);
    const peer = link?.peer;
    if (link === undefined || peer === undefined) return false;
    const from = this.handlers.identity().server;
    if (this.#network.isCut(this.#address, link.address)) return true;
    if (!this.#network.filter(from, to, message)) return true;
    const bytes = encodePeerMessage(message);
    peer.#clock.after(TRAVEL_MS, () => {
      if (!peer.isClosed && !link.isClosed) peer.handlers.onMessage(from, decodePeerMessage(bytes));
    });
    return true;
  }

  openChannel(to: ServerId, done: (error: Error | undefined, channel: Channel | undefined) => void): void {
    const address = this.#links.get(to)?.address;
    const peer = address === undefined ? undefined : this.#network.transports.get(address);
    this.#clock.after(TRAVEL_MS, () => {
      const identity = this.handlers.identity();
      if (address === undefined || peer === undefined || this.#network.isCut(this.#address, address)) {
        done(new CodedError('unreachable', `nobody at ${to}`), undefined);
      } else if (peer.#greet(identity, to) !== undefined) {
        done(new CodedError('peer_refused', `${to} does not want us`), undefined);
      } else {
        const [ours, theirs] = TestChannel.pair([this.#clock, peer.#clock]);
        this.#network.channels.push(ours);
        peer.handlers.onChannel(identity.server, theirs);
        done(undefined, ours);
      }
    });
  }

  probe(address: string, done: (error: Error | undefined, identity: PeerIdentity | undefined) => void): void {
    this.#clock.after(TRAVEL_MS, () => {
      const peer = this.#network.transports.get(address);
      if (peer === undefined) done(new CodedError('unreachable', 'connection refused'), undefined);
      else done(undefined, peer.handlers.identity());
    });
  }

  close(done: () => void): void {
    assert(!this.isClosed, 'a transport is closed once');
    this.gone();
    this.#clock.soon(done);
  }

  /** The process has ended, in order or not. */
  gone(): void {
    this.isClosed = true;
    for (const link of this.#links.values()) link.isClosed = true;
    this.#links.clear();
    if (this.#network.transports.get(this.#address) === this) this.#network.transports.delete(this.#address);
    for (const other of this.#network.transports.values()) other.lose(this);
  }

  /** Connections to `peer` are down and are dialled again. */
  lose(peer: TestTransport): void {
    for (const link of this.#links.values()) {
      if (link.peer !== peer) continue;
      link.peer = undefined;
      this.#clock.after(TRAVEL_MS, () => {
        if (link.isClosed) return;
        this.handlers.onPeerDown(link.server, 'closed');
        this.#dial(link);
      });
    }
  }
}
