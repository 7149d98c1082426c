// The consensus core: one server's Raft, without clock, disk, network or randomness of its own.
//
// The driver of the core must:
// 1. Feed events: `tick` at a fixed interval, `step` for each message, `propose` and `readIndex` for clients.
// 2. After events call `takeReady`, carry the Ready out, and repeat until it is empty (`isEmpty`).
// 3. Send `messages` at once. The core holds back those that promise durability, until `onPersisted`.
// 4. Make `persist` durable in one atomic write, then call `onPersisted`, then `takeReady`: votes and
//    acknowledgements leave now. No Ready has another write before that. Repeat a failed write, or stop.
// 5. Apply `committed` in order. This need not wait for the write, but no applied index may be durable before
//    the entries up to it are.
// 6. Serve each of `reads` once its `readIndex` is applied. Repeat `refusedReads` with new ids.
// 7. Send a snapshot to each of `snapshotsWanted`, then call `onSnapshotEnded`, also after a failure.
// 8. Call `restoreSnapshot` when a received snapshot is staged and verified. The next `persist` adopts it.
//
// Source: Ongaro and Ousterhout 2014 (sections as §5.2), Ongaro's dissertation 2014 (as 'dissertation §6.4').

import { assert, present } from '../../../shared/assert.ts';
import { mostAdvancedVoter } from './commit.ts';
import type { Configuration, ServerId } from './configuration.ts';
import { campaign, campaignWithPreVote, isPromotable } from './election.ts';
import { type Entry, entriesSizeBytes, type LogPosition } from './entry.ts';
import { restoreSnapshot } from './follower.ts';
import type { LogReader } from './log.ts';
import { type ChangeResult, proposeConfiguration } from './membership.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import type { Ready, SnapshotPoint } from './ready.ts';
import { awaitCommit, handleSnapshotEnded, maybeHandOver, requestRead, tickLeader } from './replication.ts';
import { becomeFollower } from './roles.ts';
import {
  appendToLog,
  type CoreOptions,
  CoreState,
  type DurableState,
  envelope,
  type RaftRole,
  SPREAD_TICKS,
  sendNow,
  standWithin,
} from './state.ts';
import { step } from './step.ts';
import { onPersisted, takeReady } from './take-ready.ts';

/** SPREAD_TICKS of servers that start together: their first votes wait for disks that are still busy. */
const START_SPREAD_TICKS = 8;
/** Ticks that a candidate has until the next server in order stands. */
const PLACE_TICKS = 3;

export type ProposeResult =
  | { readonly kind: 'appended'; readonly term: number; readonly firstIndex: number }
  | { readonly kind: 'refused'; readonly reason: 'not-leader' | 'too-busy' };

/** A leader's view of one member. */
export type PeerProgress = Readonly<Pick<Progress, 'match' | 'ticksSinceContact' | 'state'>>;

export class RaftCore {
  readonly #state: CoreState;

  /** `reader` reads the log on disk. */
  constructor(options: CoreOptions, reader: LogReader, durable: DurableState) {
    assert(options.heartbeatTicks < options.electionTicks, 'heartbeats are more frequent than elections');
    this.#state = new CoreState(options, reader, durable);
  }

  // ------------------------------------------------------------ current state

  get role(): RaftRole {
    return this.#state.role;
  }

  get term(): number {
    return this.#state.term;
  }

  get leader(): ServerId | undefined {
    return this.#state.leader;
  }

  get votedFor(): ServerId | undefined {
    return this.#state.votedFor;
  }

  get commitIndex(): number {
    return this.#state.commitIndex;
  }

  /** Entries up to here were given to the driver to apply. */
  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get lastLogIndex(): number {
    return this.#state.log.lastIndex;
  }

  get logStart(): LogPosition {
    return this.#state.log.start;
  }

  get durableIndex(): number {
    return this.#state.log.durableIndex;
  }

  /** The configuration in force: the latest in the log, committed or not. */
  get configuration(): Configuration {
    return this.#state.configuration;
  }

  /** The latest configuration that is committed. */
  get committedConfiguration(): Configuration {
    return present(this.#state.configurations[0], 'there is always a configuration').configuration;
  }

  get isConfigurationCommitted(): boolean {
    return this.#state.latestConfiguration.index <= this.#state.commitIndex;
  }

  /** Whether this leader has committed an entry of its own term. */
  get isEstablished(): boolean {
    return this.#state.committedInOwnTerm;
  }

  /** Whether a transfer of leadership is under way. Proposals are refused meanwhile. */
  get isTransferring(): boolean {
    return this.#state.transferTarget !== undefined;
  }

  /** A leader's view of a member. Undefined on other servers. */
  progressOf(server: ServerId): PeerProgress | undefined {
    return this.#state.progress.get(server);
  }

  termAt(index: number): number | undefined {
    return this.#state.log.term(index);
  }

  // ------------------------------------------------------------ events and requests

  /** Called when one unit of time has passed. */
  tick(): void {
    const state = this.#state;
    if (state.writeUnderWay !== undefined) state.writeTicks += 1;
    if (state.role === 'leader') {
      // A leader whose disk does not answer commits nothing, so another server must lead (trap 32).
      if (tickLeader(state) !== 'leads') becomeFollower(state, state.term, undefined);
      return;
    }
    state.electionElapsed += 1;
    if (state.electionElapsed < state.randomizedElectionTicks) return;
    if (isPromotable(state)) campaignWithPreVote(state);
    // A server that may not stand for election still drops a leader it no longer hears from.
    else state.leader = undefined;
  }

  /** Handles one message. Messages may be lost, repeated, late or out of order. */
  step(message: Message): void {
    step(this.#state, message);
  }

  /**
   * Appends commands to the leader's log, all or none. Refused on other servers, during a transfer, and over
   * the bound. `from` proposed these commands. It is told as soon as they commit.
   */
  propose(commands: readonly Uint8Array[], from?: ServerId): ProposeResult {
    const state = this.#state;
    if (state.role !== 'leader' || state.transferTarget !== undefined) {
      return { kind: 'refused', reason: 'not-leader' };
    }
    const firstIndex = state.log.lastIndex + 1;
    const entries = commands.map((data, position): Entry => {
      return { kind: 'command', index: firstIndex + position, term: state.term, data };
    });
    const bytes = entriesSizeBytes(entries);
    if (state.uncommittedBytes > 0 && state.uncommittedBytes + bytes > state.options.maxUncommittedBytes) {
      return { kind: 'refused', reason: 'too-busy' };
    }
    state.uncommittedBytes += bytes;
    appendToLog(state, entries);
    if (from !== undefined) awaitCommit(state, from, state.log.lastIndex);
    return { kind: 'appended', term: state.term, firstIndex };
  }

  proposeConfiguration(next: Configuration): ChangeResult {
    return proposeConfiguration(this.#state, next);
  }

  /**
   * Asks for a read index. `requestId` comes back in `reads` or `refusedReads` of a later Ready, or never if
   * a message is lost. Ask again with a new id.
   */
  readIndex(requestId: number): void {
    const state = this.#state;
    if (state.role === 'leader') requestRead(state, state.server, requestId);
    else if (state.leader === undefined) state.refusedReads.push(requestId);
    else sendNow(state, { kind: 'read-index-request', ...envelope(state, state.leader), requestId });
  }

  /** Hands leadership to the most advanced voter that answers. False without one, or without leadership. */
  transferLeadership(): boolean {
    const state = this.#state;
    if (state.role !== 'leader') return false;
    const target = mostAdvancedVoter(state);
    if (target === undefined) return false;
    state.transferTarget = target;
    state.transferElapsed = 0;
    maybeHandOver(state);
    return true;
  }

  /**
   * Takes a hint that the process of `server` is gone. If this server follows it, it stops and stands soon. A
   * wrong hint is safe. Returns the ticks within which every server that gets the hint now stands; undefined
   * if this one does not follow `server`.
   */
  suspectLeader(server: ServerId): number | undefined {
    const state = this.#state;
    if (state.role === 'leader' || state.leader !== server) return undefined;
    state.leader = undefined;
    standWithin(state);
    return SPREAD_TICKS;
  }

  /**
   * Takes a hint that this server reaches a majority and no leader was heard: it stands soon, by pre-vote,
   * and not after a whole election timeout. A living leader's heartbeat still has time to arrive first. A
   * repeated hint also ends a candidacy that a voter refused. A wrong hint is safe. `place` is the number of
   * servers that stand before this one in an order that all know; without it the delay is random. Returns
   * ticks like `suspectLeader`; undefined if a leader is known, or if votes may still come from slow disks.
   */
  standSoon(place?: number): number | undefined {
    const state = this.#state;
    if (state.leader !== undefined) return undefined;
    if (state.role === 'candidate' && ![...state.votes.values()].includes(false)) return undefined;
    const { heartbeatTicks, random } = state.options;
    const order = place === undefined ? random.below(START_SPREAD_TICKS) : place * PLACE_TICKS;
    const delay = Math.min(order, START_SPREAD_TICKS - 1);
    standWithin(state, heartbeatTicks + 1 + delay);
    return heartbeatTicks + START_SPREAD_TICKS;
  }

  /** Gives up leadership, if this server leads. For a driver that can no longer serve. */
  stepDown(): void {
    if (this.#state.role === 'leader') becomeFollower(this.#state, this.#state.term, undefined);
  }

  /** Stands for election at once, without pre-vote. For a cluster of one at its start. */
  campaignNow(): void {
    const state = this.#state;
    if (state.role !== 'leader' && state.isVoter && isPromotable(state)) campaign(state, false);
  }

  /** See `restoreSnapshot` in follower.ts. */
  restoreSnapshot(point: SnapshotPoint): boolean {
    return restoreSnapshot(this.#state, point);
  }

  /** Called once for each follower in `snapshotsWanted`. `installedIndex` is undefined after a failure. */
  onSnapshotEnded(server: ServerId, installedIndex: number | undefined): void {
    handleSnapshotEnded(this.#state, server, installedIndex);
  }

  /** Drops log entries up to `index`, which the durable state includes. The driver deletes them on disk. */
  compact(index: number): LogPosition {
    assert(index <= this.#state.appliedIndex, 'only applied entries are compacted');
    return this.#state.log.compactTo(index);
  }

  // ------------------------------------------------------------ work for the driver

  /** Takes the pending work. Call after events, and again until `isEmpty`. */
  takeReady(): Ready {
    return takeReady(this.#state);
  }

  /** Called when the write of the last `persist` is durable. */
  onPersisted(): void {
    onPersisted(this.#state);
  }
}
