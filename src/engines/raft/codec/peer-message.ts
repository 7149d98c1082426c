// What travels on the connections between nodes: the core's messages, and what nodes carry for each other.

import type { MemberChange, MemberChangeOutcome } from '../../engine.ts';
import type { ServerId } from '../core/configuration.ts';
import type { Message } from '../core/message.ts';

/** Commands on their way to the leader. Each is an encoded Proposal, opaque here. */
export interface ForwardedProposals {
  readonly kind: 'forwarded-proposals';
  readonly proposals: readonly Uint8Array[];
}

/** The leader (or one who is not) did not take these: they are surely not in its log from this forwarding. */
export interface ProposalsRefused {
  readonly kind: 'proposals-refused';
  /** Sequence numbers of the asking node's proposals. */
  readonly sequences: readonly number[];
  readonly reason: 'not-leader' | 'too-busy' | 'disk-full';
}

export interface ForwardedMemberChange {
  readonly kind: 'forwarded-member-change';
  readonly requestId: number;
  readonly change: MemberChange;
}

export interface MemberChangeAnswer {
  readonly kind: 'member-change-answer';
  readonly requestId: number;
  readonly outcome: MemberChangeOutcome;
}

/** The first message on every connection: where to dial the sender, for a node that does not know it (yet). */
export interface Introduction {
  readonly kind: 'introduction';
  readonly raftAddress: string;
}

/** One of the core's messages, whose `from` must be the peer that the connection's hello proved. */
export interface RaftMessage {
  readonly kind: 'raft';
  readonly message: Message;
}

export type PeerMessage =
  | RaftMessage
  | Introduction
  | ForwardedProposals
  | ProposalsRefused
  | ForwardedMemberChange
  | MemberChangeAnswer;

/** Who proposed, so that a retried proposal is applied once: kept in the replicated state (dissertation §6.3). */
export interface ProposalOrigin {
  readonly server: ServerId;
  /** Counts the starts of that server's process: proposals of an earlier start are refused when they arrive late. */
  readonly boot: number;
  /** 1, 2, 3 … within the boot. */
  readonly sequence: number;
  /** Every sequence below this one is settled at the origin: its record may be dropped. */
  readonly settledBelow: number;
}

export interface Proposal {
  readonly origin: ProposalOrigin;
  readonly command: Uint8Array;
}
