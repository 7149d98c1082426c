// Messages on the connections between nodes: those of the core, and requests that one node forwards to
// another.

import type { MemberChange, MemberChangeOutcome } from '../../engine.ts';
import type { ServerId } from '../core/configuration.ts';
import type { Message } from '../core/message.ts';

/** The receiver refused these proposals. They did not enter its log by this forwarding. */
export interface ProposalsRefused {
  readonly kind: 'proposals-refused';
  /** Sequence numbers of the proposals, given by the node that forwarded them. */
  readonly sequences: readonly number[];
  readonly reason: 'not-leader' | 'too-busy' | 'disk-full';
}

export interface ForwardedMemberChange {
  readonly kind: 'forwarded-member-change';
  readonly requestId: number;
  readonly change: MemberChange;
}

/** A message of the core. Its `from` must be the peer that the connection's hello proved. */
export interface RaftMessage {
  readonly kind: 'raft';
  readonly message: Message;
}

export type PeerMessage =
  | RaftMessage
  /** The first message on every connection: the address at which a node can dial the sender. */
  | { readonly kind: 'introduction'; readonly raftAddress: string }
  /** Proposals for the leader. Each is an encoded Proposal, opaque here. */
  | { readonly kind: 'forwarded-proposals'; readonly proposals: readonly Uint8Array[] }
  | ProposalsRefused
  | ForwardedMemberChange
  | {
      readonly kind: 'member-change-answer';
      readonly requestId: number;
      readonly outcome: MemberChangeOutcome;
    };

/** The origin of a proposal. It is kept in the state, so that a retry is applied once (dissertation §6.3). */
export interface ProposalOrigin {
  readonly server: ServerId;
  /** Counts the starts of that server's process. Late proposals of an earlier start are refused. */
  readonly boot: number;
  /** 1, 2, 3 … within the boot. */
  readonly sequence: number;
  /** Every sequence below this one is settled at the origin, so its record may be dropped. */
  readonly settledBelow: number;
}

export interface Proposal {
  readonly origin: ProposalOrigin;
  readonly command: Uint8Array;
}
