// The options of one node.

export interface RaftOptions {
  /** The node's name: the part of its server id before the `@`. */
  readonly node: string;
  /** host:port that peers dial. */
  readonly raftAddress: string;
  /** host:port of its API, told to others. */
  readonly httpAddress: string;
  /** Start a new cluster of one, unless there is state already. */
  readonly bootstrap: boolean;
  /** A server that was removed starts again as a new one, to be joined. */
  readonly join: boolean;
  /** A member said that this server was removed: it starts as a new one, even if its disk says otherwise. */
  readonly startOver: boolean;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Silence after which the leader removes a member, or 0 for never. */
  readonly removeDeadAfterMs: number;
  /** A member younger than this is not removed. */
  readonly newMemberGraceMs: number;
  /** Automatic removal leaves at least this many voters. */
  readonly minVoters: number;
  readonly limits: RaftLimits;
}

export interface NodeHandlers {
  /** The node has stopped and cannot continue: its disk is damaged, or an invariant is broken. */
  onFatal(error: Error): void;
  /** The cluster removed this server. It takes no further part. A start with `join` makes it a new server. */
  onRemoved(): void;
}

/** Every bound that affects speed or memory, with the value in production. */
export const DEFAULT_LIMITS = {
  maxAppendBytes: 64 * 1024,
  maxApplyBytes: 16 * 1024,
  maxUncommittedBytes: 32 * 1024 * 1024,
  /** Bound on this node's proposals without an outcome. */
  maxWaitingProposals: 8_192,
  maxProposalBytes: 1024 * 1024,
  /** A proposal that never reached a leader is refused after this. */
  leaderWaitMs: 3_000,
  /** A proposal that may have reached a leader ends as `unknown` after this. */
  proposalTimeoutMs: 8_000,
  /** A proposal or read request without an answer is sent again after this. */
  resendAfterMs: 1_000,
  maxWaitingReads: 16_384,
  /** The log is compacted when it holds more entries or bytes than this … */
  compactAfterEntries: 50_000,
  compactAfterBytes: 32 * 1024 * 1024,
  /** … down to this many, for followers that are a little behind. */
  keepEntries: 10_000,
  /** Applied state is written when it is this old or this large: with the next log write, or alone. */
  flushStateAfterMs: 100,
  flushStateBytes: 1024 * 1024,
  /** A chunk is one frame and one write of the follower, and takes milliseconds of both event loops. */
  snapshotChunkBytes: 768 * 1024,
  /** A snapshot that makes no progress for this long has failed. */
  snapshotTimeoutMs: 10_000,
  /** A learner that lacks at most this many entries may be promoted. */
  promotionLagEntries: 256,
  /** How long a join or a removal may take. */
  memberChangeTimeoutMs: 15_000,
};

/** Tests make them tiny. */
export type RaftLimits = { readonly [Limit in keyof typeof DEFAULT_LIMITS]: number };
