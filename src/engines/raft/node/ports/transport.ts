// The port of the network: messages and channels between nodes.

import type { PeerMessage } from '../../codec/peer-message.ts';
import type { ServerId } from '../../core/configuration.ts';

/** Who a node says it is when a connection opens. */
export interface PeerIdentity {
  readonly server: ServerId;
  /** Empty until the node belongs to a cluster. */
  readonly clusterId: string;
}

/** Why a node turned a peer away; `removed` is said only of servers that the committed configuration removed. */
export type RefusalReason =
  | 'foreign-cluster'
  | 'wrong-server'
  | 'unknown-server'
  | 'removed'
  | 'version'
  | 'not-member-yet';

export interface TransportHandlers {
  /** Asked at every hello, both ways. */
  identity(): PeerIdentity;
  /** May this peer talk to us? Undefined means yes. */
  admit(peer: PeerIdentity): RefusalReason | undefined;
  onMessage(from: ServerId, message: PeerMessage): void;
  /** The connection that we dialled is open and the hello was accepted. */
  onPeerUp(server: ServerId): void;
  /**
   * The connection that we dialled ended, or a dial failed. `refused` means that the host answered and nothing
   * listens there: the process is gone, which is a hint (never a proof) that it will not speak soon.
   */
  onPeerDown(server: ServerId, cause: 'refused' | 'closed' | 'unreachable'): void;
  /** The peer answered our hello with a refusal. */
  onRefused(server: ServerId, reason: RefusalReason): void;
  /** A peer opened a channel to us, for a snapshot. */
  onChannel(from: ServerId, channel: Channel): void;
}

/** An ordered, reliable stream of frames on a connection of its own. */
export interface Channel {
  /** The frame must not change until `sent` is called, when it has left our buffers: send the next one then. */
  send(frame: Uint8Array, sent: () => void): void;
  /** Set by the owner as soon as it has the channel. */
  onFrame: (frame: Uint8Array) => void;
  /** The bytes of a frame that came, or a part of them, are not read any more: their memory may be that of a later one. */
  giveBack(bytes: Uint8Array): void;
  /** Called once, whoever closed. */
  onClose: (error: Error | undefined) => void;
  close(): void;
}

export const MAX_CHANNEL_FRAME_BYTES = 1024 * 1024;

export interface Transport {
  start(handlers: TransportHandlers, done: (error: Error | undefined) => void): void;
  /** The servers to keep connected to, with the host:port to dial. Connections to others are closed. */
  setPeers(peers: ReadonlyMap<ServerId, string>): void;
  /**
   * Best effort: delivered at most once, in order while the connection lasts. False when the peer is unknown, not connected, or
   * its queue is full: the message is dropped and the protocol above repeats what matters.
   */
  send(to: ServerId, message: PeerMessage): boolean;
  /** What was sent leaves now, and not behind what else this turn of the event loop has to do. */
  flush(): void;
  /** Dials the peer once more, for a snapshot: a connection beside the one that carries messages. */
  openChannel(to: ServerId, done: (error: Error | undefined, channel: Channel | undefined) => void): void;
  /** Asks whoever listens at an address who it is, without being a member: used at a join. */
  probe(address: string, done: (error: Error | undefined, identity: PeerIdentity | undefined) => void): void;
  close(done: () => void): void;
}
