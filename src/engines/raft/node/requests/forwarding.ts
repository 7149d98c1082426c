// Brings proposals and member changes to the leader: into this node's own log if it leads, otherwise over the
// connection to the leader. Handles those that other nodes forward to this one.

import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import type { ForwardedMemberChange } from '../../codec/peer-message.ts';
import { findMember, type ServerId } from '../../core/configuration.ts';
import { readProposal } from '../applier.ts';
import type { MemberChanges } from '../membership/member-changes.ts';
import type { KeyValueStore } from '../ports/key-value-store.ts';
import type { Transport } from '../ports/transport.ts';
import type { Replica } from '../replica.ts';

/** The result of sending a batch. `not-sent`: no leader got it, so try again later. */
export type BatchResult = 'taken' | 'not-sent' | 'too-busy' | 'disk-full';

export interface ForwardingParts {
  readonly replica: Replica;
  readonly store: KeyValueStore;
  readonly transport: Transport;
  /** Carries out changes when this node leads. */
  readonly memberChanges: MemberChanges;
}

export class Forwarding {
  readonly #parts: ForwardingParts;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  /** Hands encoded proposals of this node to the leader. */
  sendProposals(proposals: readonly Uint8Array[]): BatchResult {
    const { role, leader } = this.#parts.replica.core;
    if (role === 'leader') return this.#append(proposals);
    const message = { kind: 'forwarded-proposals', proposals } as const;
    return leader !== undefined && this.#parts.transport.send(leader, message) ? 'taken' : 'not-sent';
  }

  /** Handles encoded proposals of another node. It is told about those that are not taken. */
  handleProposals(from: ServerId, proposals: readonly Uint8Array[]): void {
    const isLeader = this.#parts.replica.core.role === 'leader';
    const result = isLeader && this.#isMember(from) ? this.#append(proposals, from) : 'not-sent';
    if (result === 'taken') return;
    const reason = result === 'not-sent' ? 'not-leader' : result;
    const sequences = proposals.flatMap((bytes) => readProposal(bytes)?.origin.sequence ?? []);
    this.#parts.transport.send(from, { kind: 'proposals-refused', sequences, reason });
  }

  #append(proposals: readonly Uint8Array[], from?: ServerId): BatchResult {
    const { replica, store } = this.#parts;
    // Refuses before the disk is full: votes, members and entries in the log still need space (trap 33).
    const { freeBytes, reserveBytes } = store.space();
    if (replica.isDiskFull || freeBytes < reserveBytes) return 'disk-full';
    const result = replica.core.propose(proposals, from);
    if (result.kind === 'appended') return 'taken';
    return result.reason === 'too-busy' ? 'too-busy' : 'not-sent';
  }

  /** Only members forward requests. A leader knows a member before that member does. */
  #isMember(server: ServerId): boolean {
    return findMember(this.#parts.replica.core.configuration, server) !== undefined;
  }

  /**
   * Hands a change to the leader. Returns false when it was not sent. `onAnswer` is called if this node
   * leads; a remote leader answers with a message.
   */
  sendMemberChange(
    requestId: number,
    change: MemberChange,
    onAnswer: (outcome: MemberChangeOutcome) => void,
  ): boolean {
    const { replica, memberChanges, transport } = this.#parts;
    const { role, leader } = replica.core;
    if (role === 'leader') {
      memberChanges.begin(`${requestId}`, change, onAnswer);
      return true;
    }
    const message = { kind: 'forwarded-member-change', requestId, change } as const;
    return leader !== undefined && transport.send(leader, message);
  }

  /** Handles a join or removal that another node was asked for. */
  handleMemberChange(from: ServerId, { requestId, change }: ForwardedMemberChange): void {
    if (!this.#isMember(from)) return;
    this.#parts.memberChanges.begin(`${requestId} of ${from}`, change, (outcome) => {
      // If this answer is lost, the other node asks again.
      this.#parts.transport.send(from, { kind: 'member-change-answer', requestId, outcome });
    });
  }
}
