// The few side effects of a node, each behind a small port with a real and a simulated implementation.
// Ports call back and never return promises: in the simulator one event is one synchronous step.

import type { StateReader, StateView } from '../../../../state/state-view.ts';
import type { MemberChange, MemberChangeOutcome, PeerMessage } from '../../codec/peer-message.ts';
import type { Configuration, Member, ServerId } from '../../core/configuration.ts';

// ---------------------------------------------------------------- storage

export type WriteOperation =
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array };

export interface KeyRange {
  /** Inclusive. */
  readonly from: Uint8Array;
  /** Exclusive. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
}

export interface KeyValueRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Reads over one state of the store. Keys are ordered bytewise, 1 to MAX_KEY_BYTES long. */
export interface KeyValueReader {
  /** The caller owns the bytes that come back. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Lazy and synchronous; must be drained or abandoned before control returns to the event loop. */
  range(range: KeyRange): Iterable<KeyValueRow>;
}

/**
 * The whole store at one moment, as bytes that mean something to stores of the same kind only. It holds every write that
 * was done before it was asked for, and stays as it is until closed, while writes go on: close it soon, it costs room.
 */
export interface StoreImage extends Pick<KeyValueReader, 'get'> {
  readonly sizeBytes: number;
  /**
   * Bytes `offset` to `offset + length`, which are inside of the image. They are the caller's until `done` returns, and the
   * next piece may be asked for then. Nothing is heard of a read that a close cuts short.
   */
  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void;
  close(): void;
}

/**
 * The place where a coming image is put together, beside the store: what is there is nothing to the store until it is
 * adopted, and is gone after a crash. Callbacks are never called inside the call, nor after `discard`.
 */
export interface ImageStaging {
  /** Behind what was appended before. An error is `disk_full` or `storage_failed`, and the image is lost then. */
  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void;
  /**
   * All bytes are there: makes them durable and checks every row of them, in pieces between which others have their turn.
   * `onProgress` is called now and then. Afterwards `get` reads from the image. An error is one of those of `append`,
   * `image_damaged`, or what the check of a row says.
   */
  finish(onProgress: () => void, done: (error: Error | undefined) => void): void;
  /** Of the finished image. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Gives it up, unless it was adopted or is being adopted: then it does nothing. */
  discard(): void;
}

export interface ImageAdoption {
  /** Finished, of this store, and adopted once. */
  readonly staging: ImageStaging;
  /** Rows in here become those of the image. */
  readonly range: KeyRange;
  /** Rows in here, outside of that range, go. All others stay as they are. */
  readonly dropped: KeyRange;
  /** Done then, to rows outside of `range`. */
  readonly operations: readonly WriteOperation[];
}

/**
 * A durable, ordered key-value store: LMDB in production, a fault-injecting one in the simulator.
 * Reads see at least every write whose `done` has been called, and may see ones still under way.
 */
export interface KeyValueStore extends KeyValueReader {
  /**
   * Writes all of `operations` or none. `done` is called once, never before this call returned, and without an
   * error only when the whole write would survive a power cut. Writes take effect in the order of the calls.
   * The bytes are the store's from the call on. A write that fails leaves the store as it was (after a crash it may be
   * there all the same, if no other was written since); the error is a CodedError `disk_full` (there may be room
   * later, and the same write may then be tried again) or `storage_failed` (stop the node).
   */
  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void;
  /** `done` gets an error of `write`'s, or the image. Several may be open. */
  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void;
  /** For an image of so many bytes. One at a time: the last one was adopted or discarded. */
  stageImage(sizeBytes: number): ImageStaging;
  /**
   * One write, in the order of the calls of `write`, done and failing as those: wholly the image's rows in the range and the
   * operations beside it, or as if nothing had been. No image of this store may be open. After `disk_full` the same may be tried again.
   */
  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void;
  space(): StorageSpace;
  /** Finishes what is under way, then releases the files. */
  close(done: () => void): void;
}

export interface StorageSpace {
  /** What the file system still has for this store. */
  readonly freeBytes: number;
  /** Below this a leader takes no new proposals, so that elections and membership can still be recorded. */
  readonly reserveBytes: number;
  readonly usedBytes: number;
}

export const MAX_KEY_BYTES = 1_900;

// ---------------------------------------------------------------- transport

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

// ---------------------------------------------------------------- clock

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number;
  /** Milliseconds since 1970: for people and for ages, never for safety. */
  wallClock(): number;
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` once the events that are already waiting have been handled: what batches are made of. */
  soon(callback: () => void): void;
}

// ---------------------------------------------------------------- log lines

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

// ---------------------------------------------------------------- what runs on consensus

/** The replicated service. Deterministic: the same commands in the same order give the same state everywhere. */
export interface StateMachine {
  /** Applies one committed command. What it returns goes to the proposer, if that is this node. Never throws for bad input. */
  apply(view: StateView, command: Uint8Array): unknown;
}

/** How a proposal ended. */
export type ProposalOutcome =
  | { readonly kind: 'applied'; readonly result: unknown }
  /** Surely not applied, now or later. */
  | {
      readonly kind: 'refused';
      readonly reason: 'no-leader' | 'too-busy' | 'disk-full' | 'too-large' | 'stopped';
    }
  /** It may have been applied, or may yet be. */
  | { readonly kind: 'unknown' };

export type ReadOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: 'no-leader' | 'too-busy' | 'stopped' };

export interface MemberStatus extends Member {
  readonly node: string;
  readonly healthy: boolean;
  /** Milliseconds since this node last heard of it; undefined when never, or not known here. 0 for itself. */
  readonly lastContactMs: number | undefined;
  /** Known on the leader only. */
  readonly matchIndex: number | undefined;
}

export type ServerState =
  | 'leader'
  | 'follower'
  | 'candidate'
  | 'pre-candidate'
  | 'learner'
  /** No configuration yet: it waits to be joined. */
  | 'waiting'
  | 'removed'
  | 'stopped';

export interface EngineStatus {
  readonly server: ServerId;
  readonly node: string;
  readonly clusterId: string;
  readonly state: ServerState;
  readonly term: number;
  readonly leader: Member | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastLogIndex: number;
  readonly snapshotIndex: number;
  readonly configuration: Configuration;
}

/**
 * All that the farm needs of consensus. The embedded Raft stands behind it by default; another engine could.
 * Callbacks run once each, never inside the call.
 */
export interface Engine {
  /** Replicates `command` and applies it once, also across changes of leader. */
  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void;
  /** When `ready`, the local state holds every write that was acknowledged anywhere before this call. */
  readBarrier(done: (outcome: ReadOutcome) => void): void;
  /** The applied state of this node, as it is now. */
  state(): StateReader;
  /** How long ago, in ms, this node last knew its state to be current (0 on a leader). Undefined when never. */
  stalenessMs(): number | undefined;
  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void;
  status(): EngineStatus;
  /** How the members are, in the order of the configuration. */
  members(): readonly MemberStatus[];
}
