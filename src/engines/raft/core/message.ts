// What servers say to each other (the RPCs of figure 2, as one-way messages).

import type { ServerId } from './configuration.ts';
import type { Entry } from './entry.ts';

interface Envelope {
  readonly from: ServerId;
  readonly to: ServerId;
  /** The sender's term; for pre-vote requests and granted pre-vote responses, the term asked for. */
  readonly term: number;
}

/** Would you vote for me? Changes no term and no vote (dissertation §9.6). */
export interface PreVoteRequest extends Envelope {
  readonly kind: 'pre-vote-request';
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
}

export interface PreVoteResponse extends Envelope {
  readonly kind: 'pre-vote-response';
  readonly granted: boolean;
}

export interface VoteRequest extends Envelope {
  readonly kind: 'vote-request';
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
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
  /** On success the last index known to match and durable; on refusal the previousLogIndex that was refused. */
  readonly index: number;
  /**
   * On refusal, where the leader should try next: the follower's log agrees with no index above this one
   * whose term is above `hintTerm` (back-off by term, §5.3). On success both are 0.
   */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface HeartbeatRequest extends Envelope {
  readonly kind: 'heartbeat-request';
  /** Never above what this follower is known to match. */
  readonly commitIndex: number;
  /** Echoed: proves that the leader led after this round was begun (ReadIndex, dissertation §6.4). */
  readonly readRound: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly kind: 'heartbeat-response';
  readonly readRound: number;
}

/** A follower asks the leader for a read index on behalf of its waiting reads. */
export interface ReadIndexRequest extends Envelope {
  readonly kind: 'read-index-request';
  /** Unique within the asking process, never used again (trap: a retried id must not match an old answer). */
  readonly requestId: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly kind: 'read-index-response';
  readonly requestId: number;
  /** 0 when refused (not the leader, or too busy): ask again. */
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
