// The consensus core: one server's Raft, without clock, disk, network or randomness of its own.
//
// The driver feeds it messages, ticks and proposals, then takes what it wants done (`takeReady`), does it,
// and reports durable writes (`persisted`) and ended snapshots (`snapshotEnded`).
// Source: Ongaro and Ousterhout 2014 (sections as §5.2), Ongaro's dissertation 2014 (as 'dissertation §6.4').

import { assert, present } from '../../../shared/assert.ts';
import { mostAdvancedVoter } from './commit.ts';
import type { Configuration, ServerId } from './configuration.ts';
import { campaign, campaignWithPreVote, isPromotable } from './election.ts';
import { type Entry, entrySizeBytes, type HardState, type LogPosition } from './entry.ts';
import { restoreSnapshot } from './follower.ts';
import { type LogReader, RaftLog } from './log.ts';
import { type ChangeResult, proposeConfiguration } from './membership.ts';
import type { Message } from './message.ts';
import type { Ready, SnapshotPoint } from './ready.ts';
import { awaitCommit, handleSnapshotEnded, maybeHandOver, requestRead, tickLeader } from './replication.ts';
import { becomeFollower } from './roles.ts';
import {
  appendToLog,
  type CoreOptions,
  CoreState,
  type IndexedConfiguration,
  type RaftRole,
  SPREAD_TICKS,
  sendNow,
  standWithin,
} from './state.ts';
import { step } from './step.ts';
import { persisted, takeReady } from './take-ready.ts';

/** What a server knew before it stopped, as its disk has it. */
export interface DurableState {
  readonly hardState: HardState;
  readonly logStart: LogPosition;
  readonly lastLogIndex: number;
  /** The state machine holds everything up to here. */
  readonly appliedIndex: number;
  /** The configuration as of the applied index, then those of later log entries, oldest first. */
  readonly configurations: readonly IndexedConfiguration[];
}

/** Servers that start together need more: their first votes wait for disks that are busy with the start. */
const START_SPREAD_TICKS = 8;
/** What a candidate has until the next in order stands. */
const PLACE_TICKS = 3;

export type ProposeResult =
  | { readonly kind: 'appended'; readonly term: number; readonly firstIndex: number }
  | { readonly kind: 'refused'; readonly reason: 'not-leader' | 'too-busy' };

/** What a leader knows of one member. */
export interface PeerProgress {
  readonly match: number;
  readonly ticksSinceContact: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
}

export class RaftCore {
  readonly #state: CoreState;

  /** `reader` gives the log as it is on disk. */
  constructor(options: CoreOptions, reader: LogReader, durable: DurableState) {
    assert(options.heartbeatTicks < options.electionTicks, 'heartbeats are more frequent than elections');
    const log = new RaftLog(reader, durable.logStart, durable.lastLogIndex);
    this.#state = new CoreState(options, log, durable);
  }

  // ------------------------------------------------------------ what it is now

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

  /** Entries up to here were handed out to be applied. */
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

  /** In force: the latest in the log, committed or not. */
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

  /** Whether a transfer of leadership is under way: proposals are refused meanwhile. */
  get isTransferring(): boolean {
    return this.#state.transferTarget !== undefined;
  }

  /** On a leader, what it knows of a member; undefined elsewhere. */
  progressOf(server: ServerId): PeerProgress | undefined {
    return this.#state.progress.get(server);
  }

  termAt(index: number): number | undefined {
    return this.#state.log.term(index);
  }

  // ------------------------------------------------------------ what happens to it

  /** One unit of time has passed. */
  tick(): void {
    const state = this.#state;
    if (state.writeUnderWay !== undefined) state.writeTicks += 1;
    if (state.role === 'leader') {
      // A leader whose disk does not answer commits nothing: somebody else must (trap 32).
      if (tickLeader(state) !== 'leads') becomeFollower(state, state.term, undefined);
      return;
    }
    state.electionElapsed += 1;
    if (state.electionElapsed < state.randomizedElectionTicks) return;
    if (isPromotable(state)) campaignWithPreVote(state);
    // Who may not stand does not go on believing in a leader that has fallen silent.
    else state.leader = undefined;
  }

  /** One message came in. Messages may be lost, repeated, late or out of order. */
  step(message: Message): void {
    step(this.#state, message);
  }

  /**
   * Appends commands to the leader's log, all or none. Refused elsewhere, while transferring, and over the bound. `from`
   * is the server whose they are: it hears at once when they are committed.
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
    const bytes = entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
    if (state.uncommittedBytes > 0 && state.uncommittedBytes + bytes > state.options.maxUncommittedBytes) {
      return { kind: 'refused', reason: 'too-busy' };
    }
    state.uncommittedBytes += bytes;
    appendToLog(state, entries);
    if (from !== undefined) awaitCommit(state, from, state.log.lastIndex);
    return { kind: 'appended', term: state.term, firstIndex };
  }

  /** See `proposeConfiguration` in membership.ts. */
  proposeConfiguration(next: Configuration): ChangeResult {
    return proposeConfiguration(this.#state, next);
  }

  /**
   * Asks for a read index; `requestId` comes back in `reads` or `refusedReads` of a later Ready, or never when a
   * message is lost: ask again, with a new id.
   */
  readIndex(requestId: number): void {
    const state = this.#state;
    if (state.role === 'leader') requestRead(state, state.server, requestId);
    else if (state.leader === undefined) state.refusedReads.push(requestId);
    else {
      sendNow(state, {
        kind: 'read-index-request',
        from: state.server,
        to: state.leader,
        term: state.term,
        requestId,
      });
    }
  }

  /** Hands leadership to the most advanced voter that answers. False when there is none, or this is no leader. */
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
   * A hint that the process of `server` is gone: where it led, stop standing by it and stand soon. Never a matter of
   * safety. Returns after how many ticks at the latest all stand that are told so now; undefined where it did not lead,
   * as far as this server knows.
   */
  suspectLeader(server: ServerId): number | undefined {
    const state = this.#state;
    if (state.role === 'leader' || state.leader !== server) return undefined;
    state.leader = undefined;
    standWithin(state, 1 + state.options.random.below(SPREAD_TICKS));
    return SPREAD_TICKS;
  }

  /**
   * A hint that this server knows no leader, and reaches enough of the others to be elected: stand soon, by pre-vote, and
   * not after a whole time-out. A living leader's heartbeat has the time to come first. Given again it also ends a
   * candidacy that somebody refused: nobody may win. Never a matter of safety. `place`: how many of them stand first,
   * since all know the same order; without it chance decides. Returns as `suspectLeader`, undefined where there is nothing
   * to do: a leader is known, or votes that were asked for may still come, from slow disks.
   */
  standSoon(place?: number): number | undefined {
    const state = this.#state;
    if (state.leader !== undefined) return undefined;
    if (state.role === 'candidate' && ![...state.votes.values()].includes(false)) return undefined;
    const { heartbeatTicks, random } = state.options;
    const last = START_SPREAD_TICKS - 1;
    const delay =
      place === undefined ? random.below(START_SPREAD_TICKS) : Math.min(place * PLACE_TICKS, last);
    standWithin(state, heartbeatTicks + 1 + delay);
    return heartbeatTicks + START_SPREAD_TICKS;
  }

  /** Gives up leadership, if it has it: for a driver that can no longer serve. */
  stepDown(): void {
    if (this.#state.role === 'leader') becomeFollower(this.#state, this.#state.term, undefined);
  }

  /** Stands for election at once, without pre-vote: for a cluster of one at its start. */
  campaignNow(): void {
    const state = this.#state;
    if (state.role !== 'leader' && state.isVoter && isPromotable(state)) campaign(state, false);
  }

  /** See `restoreSnapshot` in follower.ts. */
  restoreSnapshot(point: SnapshotPoint): boolean {
    return restoreSnapshot(this.#state, point);
  }

  /** Every follower in `snapshotsWanted` is answered once: `installedIndex` is undefined when it failed. */
  snapshotEnded(server: ServerId, installedIndex: number | undefined): void {
    handleSnapshotEnded(this.#state, server, installedIndex);
  }

  /** Forgets log entries up to `index`, which the state holds durably. The driver deletes them on disk. */
  compact(index: number): LogPosition {
    const state = this.#state;
    assert(index <= state.appliedIndex, 'only applied entries are compacted');
    const term = present(state.log.term(index), 'only an entry that is there can become the start');
    state.log.compactTo({ index, term });
    return { index, term };
  }

  // ------------------------------------------------------------ what it wants done

  /** Takes what is to be done. Call after every event, and again until `isEmpty`. */
  takeReady(): Ready {
    return takeReady(this.#state);
  }

  /** The write of the last `persist` is durable. */
  persisted(): void {
    persisted(this.#state);
  }
}
