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
import type { MemberChangeCarrier } from './member-requests.ts';
import type { BatchResult, ProposalCarrier } from './proposals.ts';

export interface ForwardingParts {
  readonly replica: Replica;
  readonly store: KeyValueStore;
  readonly transport: Transport;
  /** Carries out changes when this node leads. */
  readonly memberChanges: MemberChanges;
}

export class Forwarding implements ProposalCarrier, MemberChangeCarrier {
  readonly #parts: ForwardingParts;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  /** Sends encoded proposals of this node. */
  sendProposals(proposals: readonly Uint8Array[]): BatchResult {
    const { core } = this.#parts.replica;
    if (core.role === 'leader') return this.#append(proposals);
    if (core.leader === undefined) return 'not-sent';
    const isSent = this.#parts.transport.send(core.leader, { kind: 'forwarded-proposals', proposals });
    return isSent ? 'taken' : 'not-sent';
  }

  /** Handles encoded proposals of another node. It is told about those that are not taken. */
  handleProposals(from: ServerId, proposals: readonly Uint8Array[]): void {
    const { core } = this.#parts.replica;
    const result =
      core.role === 'leader' && this.#isMember(from) ? this.#append(proposals, from) : 'not-sent';
    if (result === 'taken') return;
    const reason = result === 'not-sent' ? 'not-leader' : result;
    const sequences = proposals.flatMap((bytes) => readProposal(bytes)?.origin.sequence ?? []);
    this.#parts.transport.send(from, { kind: 'proposals-refused', sequences, reason });
  }

  #append(proposals: readonly Uint8Array[], from?: ServerId): BatchResult {
    if (this.#isDiskLow()) return 'disk-full';
    const result = this.#parts.replica.core.propose(proposals, from);
    if (result.kind === 'appended') return 'taken';
    return result.reason === 'too-busy' ? 'too-busy' : 'not-sent';
  }

  /** Refuses before the disk is full: votes, members and entries in the log still need space (trap 33). */
  #isDiskLow(): boolean {
    const { freeBytes, reserveBytes } = this.#parts.store.space();
    return this.#parts.replica.isDiskFull || freeBytes < reserveBytes;
  }

  /** Only members forward requests. A leader knows a member before that member does. */
  #isMember(server: ServerId): boolean {
    return findMember(this.#parts.replica.core.configuration, server) !== undefined;
  }

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
    if (leader === undefined) return false;
    return transport.send(leader, { kind: 'forwarded-member-change', requestId, change });
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
