// Everything that one server knows. The other files of this room are the rules that change it.

import { present } from '../../../shared/assert.ts';
import type { Random } from '../../../shared/seeded-generator.ts';
import { type Configuration, isVoter, type ServerId, voters } from './configuration.ts';
import type { Entry, HardState, LogPosition } from './entry.ts';
import type { RaftLog } from './log.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import { createReadRequests, type ReadRequests } from './read-requests.ts';
import type { ReadState, SnapshotPoint } from './ready.ts';

export type RaftRole = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export interface CoreOptions {
  readonly server: ServerId;
  /** A follower that hears nothing for this many ticks (to twice as many, at random) stands for election. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly random: Random;
  /** Entries of one append message, in bytes. */
  readonly maxAppendBytes: number;
  /** Entries handed out to be applied at once, in bytes. */
  readonly maxApplyBytes: number;
  /** A leader with this much uncommitted answers 'too-busy'. */
  readonly maxUncommittedBytes: number;
}

/** Messages that wait for a disk that does not answer, while peers go on asking. */
export const MAX_WAITING_MESSAGES = 1_024;

/** A configuration and the index of the entry that set it. */
export interface IndexedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** A message that promises durability, and the change that must be on disk before it leaves. */
export interface WaitingMessage {
  readonly message: Message;
  readonly sequence: number;
}

export class CoreState {
  readonly options: CoreOptions;
  readonly log: RaftLog;

  // Durable (figure 2): written before anything that depends on them is said.
  term: number;
  votedFor: ServerId | undefined;

  role: RaftRole = 'follower';
  leader: ServerId | undefined;
  /** Invariant: never goes back. */
  commitIndex: number;
  /** Entries up to here were handed out. Invariant: appliedIndex ≤ commitIndex, never goes back. */
  appliedIndex: number;
  /**
   * The last committed configuration, then those of later entries; the last one is in force. Truncation
   * rolls back by dropping from the end.
   */
  configurations: IndexedConfiguration[];

  // Time.
  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTicks = 0;

  // Candidates.
  votes = new Map<ServerId, boolean>();
  /** The candidate's own vote counts once this change is durable. */
  ownVoteSequence = 0;

  // Leaders.
  progress = new Map<ServerId, Progress>();
  leaderStartIndex = 0;
  transferTarget: ServerId | undefined;
  transferElapsed = 0;
  heartbeatDue = false;
  uncommittedBytes = 0;
  reads: ReadRequests = createReadRequests();

  // Disk: every change of durable state takes the next sequence number.
  changeSequence = 0;
  durableSequence = 0;
  writeUnderWay: { readonly sequence: number } | undefined;
  writeTicks = 0;
  hardStateChanged = false;
  /** The change that set term and vote as they are. */
  hardStateSequence = 0;
  pendingSnapshot: SnapshotPoint | undefined;
  /** Until this change is durable the state is being replaced: nothing is applied. */
  restoreSequence = 0;

  // What the next Ready carries.
  messages: Message[] = [];
  waitingMessages: WaitingMessage[] = [];
  confirmedReads: ReadState[] = [];
  refusedReads: number[] = [];
  snapshotsWanted: ServerId[] = [];

  constructor(
    options: CoreOptions,
    log: RaftLog,
    durable: {
      hardState: HardState;
      appliedIndex: number;
      configurations: readonly IndexedConfiguration[];
    },
  ) {
    this.options = options;
    this.log = log;
    this.term = durable.hardState.term;
    this.votedFor = durable.hardState.votedFor;
    this.commitIndex = durable.appliedIndex;
    this.appliedIndex = durable.appliedIndex;
    this.configurations = [...durable.configurations];
    resetElectionTimer(this);
  }

  get server(): ServerId {
    return this.options.server;
  }

  /** The configuration in force: the latest in the log, committed or not (dissertation §4.1). */
  get configuration(): Configuration {
    return this.latestConfiguration.configuration;
  }

  get latestConfiguration(): IndexedConfiguration {
    return present(this.configurations.at(-1), 'there is always a configuration, if only an empty one');
  }

  get voters(): ServerId[] {
    return voters(this.configuration);
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.server);
  }

  get committedInOwnTerm(): boolean {
    return this.role === 'leader' && this.commitIndex >= this.leaderStartIndex;
  }
}

/** A new random time-out, so that split votes are rare (§5.2), counted from now. */
export function resetElectionTimer(state: CoreState): void {
  state.electionElapsed = 0;
  state.randomizedElectionTicks =
    state.options.electionTicks + state.options.random.below(state.options.electionTicks);
}

/** Followers that have the same reason to stand do so one to this many ticks later, so that they seldom collide. */
export const SPREAD_TICKS = 3;

/** Has a server that knows no leader stand after at most `ticks`: the time that it has waited already counts as more. */
export function standWithin(state: CoreState, ticks: number): void {
  state.electionElapsed = Math.max(state.electionElapsed, state.randomizedElectionTicks - ticks);
}

/** Notes that durable state changed: what is said from now on about it waits for the disk. */
export function changed(state: CoreState): void {
  state.changeSequence += 1;
}

export function setHardState(state: CoreState, hardState: HardState): void {
  if (state.term === hardState.term && state.votedFor === hardState.votedFor) return;
  state.term = hardState.term;
  state.votedFor = hardState.votedFor;
  state.hardStateChanged = true;
  changed(state);
  state.hardStateSequence = state.changeSequence;
}

export function appendToLog(state: CoreState, entries: readonly Entry[]): void {
  // A change that nothing writes would never become durable, and hold back every message that waits for it.
  if (entries.length === 0) return;
  state.log.append(entries);
  for (const entry of entries) {
    if (entry.kind === 'configuration') {
      state.configurations.push({ index: entry.index, configuration: entry.configuration });
    }
  }
  changed(state);
}

/** Sends without waiting for the disk: only for messages that promise nothing about this server's own disk. */
export function sendNow(state: CoreState, message: Message): void {
  state.messages.push(message);
}

/** A leader's entries after `previous`, and its commit index. They may leave before its own disk has them (dissertation §10.2.1). */
export function sendAppendRequest(
  state: CoreState,
  to: ServerId,
  { previous, entries }: { previous: LogPosition; entries: readonly Entry[] },
): void {
  sendNow(state, {
    kind: 'append-request',
    from: state.server,
    to,
    term: state.term,
    previousLogIndex: previous.index,
    previousLogTerm: previous.term,
    entries,
    commitIndex: state.commitIndex,
  });
}

/** Sends once the current term is durable, without waiting for log entries: for answers that only tell the term. */
export function sendWhenTermDurable(state: CoreState, message: Message): void {
  sendAfter(state, state.hardStateSequence, message);
}

/** Sends once everything that has changed up to now is durable: for votes, acknowledgements, and own terms. */
export function sendWhenDurable(state: CoreState, message: Message): void {
  sendAfter(state, state.changeSequence, message);
}

function sendAfter(state: CoreState, sequence: number, message: Message): void {
  if (state.durableSequence >= sequence) state.messages.push(message);
  else if (state.waitingMessages.length < MAX_WAITING_MESSAGES)
    state.waitingMessages.push({ message, sequence });
  // Else it counts as lost, as any message may be: the other side asks again.
}
