// The port of the network: messages and channels between nodes.

import type { PeerMessage } from '../../codec/peer-message.ts';
import type { ServerId } from '../../core/configuration.ts';

/** The identity that a node gives when a connection opens. */
export interface PeerIdentity {
  readonly server: ServerId;
  /** Empty until the node belongs to a cluster. */
  readonly clusterId: string;
}

/**
 * Why a node turned a peer away. `removed` is only said to servers that the committed configuration removed.
 */
export type RefusalReason =
  | 'foreign-cluster'
  | 'wrong-server'
  | 'unknown-server'
  | 'removed'
  | 'version'
  | 'not-member-yet';

export interface TransportHandlers {
  /** Asked at every hello, on both sides. */
  identity(): PeerIdentity;
  /** Returns why this peer may not talk to the node; undefined when it may. */
  admit(peer: PeerIdentity): RefusalReason | undefined;
  onMessage(from: ServerId, message: PeerMessage): void;
  /** The connection that this node dialled is open, and the peer accepted its hello. */
  onPeerUp(server: ServerId): void;
  /**
   * A dialled connection ended, or a dial failed. `refused`: the host answered and nothing listens there, so
   * the process is gone. That is a hint and never a proof.
   */
  onPeerDown(server: ServerId, cause: 'refused' | 'closed' | 'unreachable'): void;
  /** The peer refused the hello. */
  onRefused(server: ServerId, reason: RefusalReason): void;
  /** A peer opened a channel to this node, for a snapshot. */
  onChannel(from: ServerId, channel: Channel): void;
}

/** An ordered, reliable stream of frames on a connection of its own. */
export interface Channel {
  /** Sends a frame, which must not change until `sent` is called. Send the next one then. */
  send(frame: Uint8Array, sent: () => void): void;
  /** Set by the owner as soon as it has the channel. */
  onFrame: (frame: Uint8Array) => void;
  /** Returns a received frame's bytes, or a part of them. Their memory may be used for a later frame. */
  giveBack(bytes: Uint8Array): void;
  /** Called once, whichever end closed. */
  onClose: (error: Error | undefined) => void;
  close(): void;
}

export const MAX_CHANNEL_FRAME_BYTES = 1024 * 1024;

export interface Transport {
  start(handlers: TransportHandlers, done: (error: Error | undefined) => void): void;
  /** Sets the servers to stay connected to, each with the host:port to dial. Closes connections to others. */
  setPeers(peers: ReadonlyMap<ServerId, string>): void;
  /**
   * Sends at most once, in order while the connection lasts. Returns false when the peer is unknown, not
   * connected, or its queue is full. The message is dropped then, and the protocol repeats what matters.
   */
  send(to: ServerId, message: PeerMessage): boolean;
  /** Sends queued messages now, before other work of this turn of the event loop. */
  flush(): void;
  /** Dials the peer once more, for a snapshot. Messages keep their own connection. */
  openChannel(to: ServerId, done: (error: Error | undefined, channel: Channel | undefined) => void): void;
  /** Asks an address for its identity, without being a member. A join does this. */
  probe(address: string, done: (error: Error | undefined, identity: PeerIdentity | undefined) => void): void;
  close(done: () => void): void;
}
