// The whole state of one server. The other files of this room are the rules that change it.

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
  /** A follower that hears nothing for one to two times as many ticks, at random, stands for election. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly random: Random;
  /** Bound on the entries of one append message, in bytes. */
  readonly maxAppendBytes: number;
  /** Bound on the committed entries of one Ready, in bytes. */
  readonly maxApplyBytes: number;
  /** A leader with more uncommitted bytes than this refuses proposals as 'too-busy'. */
  readonly maxUncommittedBytes: number;
}

/** Bound on the messages that wait for a disk that does not answer, while peers repeat their requests. */
export const MAX_WAITING_MESSAGES = 1_024;

/** A configuration and the index of the entry that set it. */
export interface IndexedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** A message that promises durability, and the change that must be durable before it is sent. */
interface WaitingMessage {
  readonly message: Message;
  readonly sequence: number;
}

export class CoreState {
  readonly options: CoreOptions;
  readonly log: RaftLog;

  // Durable (figure 2): written before any message that depends on it is sent.
  term: number;
  votedFor: ServerId | undefined;

  role: RaftRole = 'follower';
  leader: ServerId | undefined;
  /** Invariant: never decreases. */
  commitIndex: number;
  /** Entries up to here were given to the driver. Invariant: ≤ commitIndex, never decreases. */
  appliedIndex: number;
  /**
   * The last committed configuration, then those of later entries. The last one is in force. A truncation of
   * the log rolls back by dropping configurations from the end.
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

  // Disk: every change of durable state gets the next sequence number.
  changeSequence = 0;
  durableSequence = 0;
  writeUnderWay: { readonly sequence: number } | undefined;
  writeTicks = 0;
  hardStateChanged = false;
  /** The change that set the current term and vote. */
  hardStateSequence = 0;
  pendingSnapshot: SnapshotPoint | undefined;
  /** Until this change is durable a snapshot is replacing the state, and nothing is applied. */
  restoreSequence = 0;

  // Content of the next Ready, and messages that wait for the disk.
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
    return present(this.configurations.at(-1), 'there is always a configuration, perhaps an empty one');
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

/** Starts a new random election timeout, so that split votes are rare (§5.2). */
export function resetElectionTimer(state: CoreState): void {
  state.electionElapsed = 0;
  state.randomizedElectionTicks =
    state.options.electionTicks + state.options.random.below(state.options.electionTicks);
}

/** Followers with the same reason to stand do so after one to this many ticks, to avoid collisions. */
export const SPREAD_TICKS = 3;

/** Makes a server that knows no leader stand after at most `ticks`, by advancing its election timer. */
export function standWithin(state: CoreState, ticks: number): void {
  state.electionElapsed = Math.max(state.electionElapsed, state.randomizedElectionTicks - ticks);
}

/** Notes that durable state changed. Messages that depend on the change wait until it is durable. */
export function noteChange(state: CoreState): void {
  state.changeSequence += 1;
}

export function setHardState(state: CoreState, hardState: HardState): void {
  if (state.term === hardState.term && state.votedFor === hardState.votedFor) return;
  state.term = hardState.term;
  state.votedFor = hardState.votedFor;
  state.hardStateChanged = true;
  noteChange(state);
  state.hardStateSequence = state.changeSequence;
}

export function appendToLog(state: CoreState, entries: readonly Entry[]): void {
  // A change without entries would never be written, and every message that waits for it would be stuck.
  if (entries.length === 0) return;
  state.log.append(entries);
  for (const entry of entries) {
    if (entry.kind === 'configuration') {
      state.configurations.push({ index: entry.index, configuration: entry.configuration });
    }
  }
  noteChange(state);
}

/** Returns address and term of a message. Appends and their answers are hot, and write the fields out. */
export function envelope(
  { server, term }: CoreState,
  to: ServerId,
): { from: ServerId; to: ServerId; term: number } {
  return { from: server, to, term };
}

/** Sends without waiting for the disk. Only for messages that promise nothing about this server's disk. */
export function sendNow(state: CoreState, message: Message): void {
  state.messages.push(message);
}

/** Sends entries after `previous`, perhaps before the leader's own disk has them (dissertation §10.2.1). */
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

/** Sends once the term is durable, without waiting for entries. For answers that only tell the term. */
export function sendWhenTermDurable(state: CoreState, message: Message): void {
  sendAfter(state, state.hardStateSequence, message);
}

/** Sends once all changes up to now are durable. For votes, acknowledgements and new terms. */
export function sendWhenDurable(state: CoreState, message: Message): void {
  sendAfter(state, state.changeSequence, message);
}

function sendAfter(state: CoreState, sequence: number, message: Message): void {
  if (state.durableSequence >= sequence) state.messages.push(message);
  else if (state.waitingMessages.length < MAX_WAITING_MESSAGES)
    state.waitingMessages.push({ message, sequence });
  // Else the message counts as lost, as any message may be. The other side asks again.
}
