// The whole state of one server. The other files of this room are the rules that change it.

import { present } from '../../../shared/assert.ts';
import type { Random } from '../../../shared/seeded-generator.ts';
import { type Configuration, isVoter, type ServerId, voters } from './configuration.ts';
import type { Entry, HardState, LogPosition } from './entry.ts';
import { type LogReader, RaftLog } from './log.ts';
import type { Envelope, Message } from './message.ts';
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
interface IndexedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** The state that a server's disk has at its start. */
export interface DurableState {
  readonly hardState: HardState;
  readonly logStart: LogPosition;
  readonly lastLogIndex: number;
  /** The durable state of the state machine includes the entries up to here. */
  readonly appliedIndex: number;
  /** The configuration as of the applied index, then those of later log entries, oldest first. */
  readonly configurations: readonly IndexedConfiguration[];
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

  // Leaders. The end of a leadership clears the members' progress, the transfer and the reads.
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

  /** Messages that promise durability, and the change that must be durable before each is sent. */
  waitingMessages: { readonly message: Message; readonly sequence: number }[] = [];

  // Content of the next Ready.
  messages: Message[] = [];
  confirmedReads: ReadState[] = [];
  refusedReads: number[] = [];
  snapshotsWanted: ServerId[] = [];

  constructor(options: CoreOptions, reader: LogReader, durable: DurableState) {
    this.options = options;
    this.log = new RaftLog(reader, durable.logStart, durable.lastLogIndex);
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
export function standWithin(state: CoreState, ticks = 1 + state.options.random.below(SPREAD_TICKS)): void {
  state.electionElapsed = Math.max(state.electionElapsed, state.randomizedElectionTicks - ticks);
}

/**
 * Notes that durable state changed, and returns the number of the change. Messages that depend on it wait
 * until it is durable.
 */
export function noteChange(state: CoreState): number {
  state.changeSequence += 1;
  return state.changeSequence;
}

export function setHardState(state: CoreState, hardState: HardState): void {
  if (state.term === hardState.term && state.votedFor === hardState.votedFor) return;
  state.term = hardState.term;
  state.votedFor = hardState.votedFor;
  state.hardStateChanged = true;
  state.hardStateSequence = noteChange(state);
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

/** Appends and their answers are hot, and write these fields out. */
export function envelope({ server, term }: CoreState, to: ServerId): Envelope {
  return { from: server, to, term };
}

/** Sends without waiting for the disk. Only for messages that promise nothing about this server's disk. */
export function sendNow(state: CoreState, message: Message): void {
  state.messages.push(message);
}

/**
 * Sends and returns the entries after `previousLogIndex` and before `end`, perhaps before the leader's own
 * disk has them (dissertation §10.2.1). Undefined if they are compacted.
 */
export function sendEntries(
  state: CoreState,
  to: ServerId,
  { previousLogIndex, end }: { previousLogIndex: number; end?: number },
): readonly Entry[] | undefined {
  const previousLogTerm = state.log.term(previousLogIndex);
  if (previousLogTerm === undefined) return undefined;
  const entries = state.log.entries(previousLogIndex + 1, state.options.maxAppendBytes, end);
  sendNow(state, {
    kind: 'append-request',
    from: state.server,
    to,
    term: state.term,
    previousLogIndex,
    previousLogTerm,
    entries,
    commitIndex: state.commitIndex,
  });
  return entries;
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
