// Handles what the transport reports: hellos, connections, messages and snapshot channels of peers.

import { unreachable } from '../../../shared/assert.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import type { ServerId } from '../core/configuration.ts';
import type { ElectionHints } from './election-hints.ts';
import type { OwnMembership } from './membership/own-membership.ts';
import type { Peers } from './membership/peers.ts';
import type { NodeStatus } from './node-status.ts';
import type { Participant } from './participant.ts';
import type {
  Channel,
  PeerIdentity,
  RefusalReason,
  Transport,
  TransportHandlers,
} from './ports/transport.ts';
import type { Replica } from './replica.ts';
import type { ClientRequests } from './requests/client-requests.ts';
import type { Forwarding } from './requests/forwarding.ts';
import type { Snapshots } from './snapshots/snapshots.ts';

interface PeerEventParts {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly membership: OwnMembership;
  readonly electionHints: ElectionHints;
  readonly requests: ClientRequests;
  readonly forwarding: Forwarding;
  readonly snapshots: Snapshots;
  readonly transport: Transport;
  readonly logger: Logger;
  /** host:port that peers dial. */
  readonly raftAddress: string;
  readonly status: NodeStatus;
}

/** A node that has stopped, or that its cluster removed, ignores every event. */
export class PeerEvents implements TransportHandlers, Participant {
  readonly #parts: PeerEventParts;
  #isStopped = false;

  constructor(parts: PeerEventParts) {
    this.#parts = parts;
  }

  onStop(): void {
    this.#isStopped = true;
  }

  identity(): PeerIdentity {
    return this.#parts.membership.identity;
  }

  admit(peer: PeerIdentity): RefusalReason | undefined {
    const { peers, membership } = this.#parts;
    const refusal = peers.admit(peer);
    if (refusal === undefined) membership.onGreeting(peer);
    return refusal;
  }

  onPeerUp(server: ServerId): void {
    const { peers, transport, raftAddress } = this.#parts;
    this.#unlessOut(() => {
      peers.connected.add(server);
      transport.send(server, { kind: 'introduction', raftAddress });
    });
  }

  onPeerDown(server: ServerId, cause: 'refused' | 'closed' | 'unreachable'): void {
    const { peers, electionHints } = this.#parts;
    this.#unlessOut(() => {
      peers.connected.delete(server);
      if (cause === 'refused') electionHints.onProcessGone(server);
    });
  }

  onRefused(server: ServerId, reason: RefusalReason): void {
    const { logger, membership } = this.#parts;
    this.#unlessOut(() => {
      logger.debug('refused by a peer', { server, reason });
      if (reason === 'removed') membership.becomeRemoved();
    });
  }

  onChannel(from: ServerId, channel: Channel): void {
    if (this.#isOut) channel.close();
    else this.#parts.snapshots.onChannel(from, channel);
  }

  onMessage(from: ServerId, message: PeerMessage): void {
    const { membership, peers } = this.#parts;
    this.#unlessOut(() => {
      membership.onAddressed(from);
      peers.onHeard(from);
      this.#handle(from, message);
    });
  }

  #handle(from: ServerId, message: PeerMessage): void {
    const { replica, status, peers, requests, forwarding } = this.#parts;
    switch (message.kind) {
      case 'raft':
        replica.core.step(message.message);
        status.onHandled(message.message);
        break;
      case 'introduction':
        peers.introduce(from, message.raftAddress);
        break;
      case 'forwarded-proposals':
        forwarding.handleProposals(from, message.proposals);
        break;
      case 'proposals-refused':
        requests.proposals.onRefused(message);
        break;
      case 'forwarded-member-change':
        forwarding.handleMemberChange(from, message);
        break;
      case 'member-change-answer':
        requests.memberChanges.onAnswer(message.requestId, message.outcome);
        break;
      default:
        unreachable(message);
    }
  }

  get #isOut(): boolean {
    return this.#isStopped || this.#parts.membership.isRemoved;
  }

  /** Runs `action`, then lets the core look for work. */
  #unlessOut(action: () => void): void {
    if (this.#isOut) return;
    this.#parts.replica.runOrStop(action);
    this.#parts.replica.schedule();
  }
}
