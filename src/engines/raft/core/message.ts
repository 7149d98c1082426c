// Messages between servers: the RPCs of figure 2, as one-way messages.

import type { ServerId } from './configuration.ts';
import type { Entry } from './entry.ts';

/** Address and term of a message. */
export interface Envelope {
  readonly from: ServerId;
  readonly to: ServerId;
  /** The sender's term; for pre-vote requests and granted pre-vote responses, the term asked for. */
  readonly term: number;
}

/** The end of a candidate's log. */
export interface LastLog {
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
}

/** Asks whether the receiver would vote for the sender. Changes no term and no vote (dissertation §9.6). */
export interface PreVoteRequest extends Envelope, LastLog {
  readonly kind: 'pre-vote-request';
}

export interface PreVoteResponse extends Envelope {
  readonly kind: 'pre-vote-response';
  readonly granted: boolean;
}

export interface VoteRequest extends Envelope, LastLog {
  readonly kind: 'vote-request';
  /** The leader itself asked for this election: stickiness does not apply (dissertation §3.10, §4.2.3). */
  readonly leadershipTransfer: boolean;
}

export interface VoteResponse extends Envelope {
  readonly kind: 'vote-response';
  readonly granted: boolean;
}

export interface AppendRequest extends Envelope {
  readonly kind: 'append-request';
  readonly previousLogIndex: number;
  readonly previousLogTerm: number;
  readonly entries: readonly Entry[];
  readonly commitIndex: number;
}

export interface AppendResponse extends Envelope {
  readonly kind: 'append-response';
  readonly success: boolean;
  /** On success: the last index that matches and is durable. On refusal: the refused previousLogIndex. */
  readonly index: number;
  /**
   * On refusal: the position from which the leader searches for the next index to try. replication.ts has a
   * picture. On success both are 0.
   */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface HeartbeatRequest extends Envelope {
  readonly kind: 'heartbeat-request';
  /** Never above what this follower is known to match. */
  readonly commitIndex: number;
  /** The answer echoes it, which proves that the leader led after this round began (dissertation §6.4). */
  readonly readRound: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly kind: 'heartbeat-response';
  readonly readRound: number;
}

/** A follower asks the leader for a read index, for a batch of its own reads. */
interface ReadIndexRequest extends Envelope {
  readonly kind: 'read-index-request';
  /** Unique within the asking process and never reused, so that no old answer matches a later request. */
  readonly requestId: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly kind: 'read-index-response';
  readonly requestId: number;
  /** 0 when refused (not the leader, or too busy): the follower asks again. */
  readonly readIndex: number;
}

/** The leader asks a caught-up follower to stand for election at once (dissertation §3.10). */
export interface TimeoutNow extends Envelope {
  readonly kind: 'timeout-now';
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | ReadIndexRequest
  | ReadIndexResponse
  | TimeoutNow;
