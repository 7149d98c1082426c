// A node's report about itself and its cluster, and when it last knew its state to be current.

import type { EngineHealth, MemberStatus, NodeAddresses } from '../../engine.ts';
import { findMember, isVoter, type Member } from '../core/configuration.ts';
import type { Message } from '../core/message.ts';
import type { RaftRole } from '../core/state.ts';
import type { OwnMembership } from './membership/own-membership.ts';
import type { Peers } from './membership/peers.ts';
import { nodeOf } from './membership/server-id.ts';
import type { Participant } from './participant.ts';
import type { Clock } from './ports/clock.ts';
import type { Replica } from './replica.ts';

/**
 * `waiting`: the server has no configuration yet and waits to be joined. `learner`: it has no vote, and does
 * not lead.
 */
type ServerState = RaftRole | 'learner' | 'waiting' | 'removed' | 'stopped';

/** Raft's figures of one server. */
export type RaftStatus = ReturnType<NodeStatus['describe']>;

interface StatusParts {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly membership: OwnMembership;
  readonly clock: Clock;
}

export class NodeStatus implements Participant {
  readonly #parts: StatusParts;
  readonly #currentForMs: number;
  /** When this node last knew its state to be current. */
  #currentAt: number | undefined;
  /** The node has stopped: it neither asks nor answers. */
  isStopped = false;

  /** The state counts as current for `currentForMs` after it was last known to be. */
  constructor(parts: StatusParts, currentForMs: number) {
    this.#parts = parts;
    this.#currentForMs = currentForMs;
  }

  /** A leader that has committed in its own term is always current. */
  onTick(): void {
    const { replica, clock } = this.#parts;
    if (replica.core.role === 'leader' && replica.core.isEstablished) this.#currentAt = clock.now();
  }

  /**
   * The core has handled `message`. The state is current if this node has all that the leader had committed
   * when it sent the message. A leader that has not committed in its own term does not know that itself.
   */
  onHandled(message: Message): void {
    const { replica, clock } = this.#parts;
    const { leader, commitIndex, term } = replica.core;
    if (message.from !== leader) return;
    if (message.kind !== 'append-request' && message.kind !== 'heartbeat-request') return;
    if (commitIndex < message.commitIndex || replica.core.termAt(commitIndex) !== term) return;
    this.#currentAt = clock.now();
  }

  /** Milliseconds since the state was last known to be current; undefined when it never was. */
  get stalenessMs(): number | undefined {
    return this.#currentAt === undefined ? undefined : this.#parts.clock.now() - this.#currentAt;
  }

  describe() {
    const { replica, membership } = this.#parts;
    const { term, commitIndex, lastLogIndex, leader, configuration } = replica.core;
    const { server, clusterId } = membership.identity;
    return {
      server,
      clusterId,
      state: this.#state(),
      term,
      leader: leader === undefined ? undefined : findMember(configuration, leader),
      commitIndex,
      appliedIndex: replica.appliedIndex,
      lastLogIndex,
      snapshotIndex: replica.snapshotIndex,
      configuration,
    };
  }

  #state(): ServerState {
    const { replica, membership } = this.#parts;
    const { role, configuration } = replica.core;
    if (this.isStopped) return 'stopped';
    if (membership.isRemoved) return 'removed';
    if (configuration.members.length === 0) return 'waiting';
    return role === 'follower' && !isVoter(configuration, membership.identity.server) ? 'learner' : role;
  }

  health(): EngineHealth {
    const { state, leader, ...status } = this.describe();
    return {
      kind: this.#healthKind(state, leader),
      node: nodeOf(status.server),
      clusterId: status.clusterId,
      isLeader: state === 'leader',
      leader: leader && addressesOf(leader),
      details: {
        state,
        term: status.term,
        commit_index: status.commitIndex,
        applied_index: status.appliedIndex,
        last_log_index: status.lastLogIndex,
        snapshot_index: status.snapshotIndex,
      },
    };
  }

  #healthKind(state: ServerState, leader: Member | undefined): EngineHealth['kind'] {
    if (state === 'waiting' || state === 'removed' || state === 'stopped') return 'out';
    if (leader === undefined) return 'no-quorum';
    return (this.stalenessMs ?? Number.POSITIVE_INFINITY) < this.#currentForMs ? 'ready' : 'catching-up';
  }

  members(): MemberStatus[] {
    return this.#parts.replica.core.configuration.members.map((member) => this.#describeMember(member));
  }

  #describeMember(member: Member): MemberStatus {
    const { server, role } = member;
    const { replica, peers, membership } = this.#parts;
    const isSelf = server === membership.identity.server;
    // Followers exchange messages with the leader only. Of each other they know whether the connection is up.
    const isHeard = replica.core.role === 'leader' ? peers.isAlive(server) : peers.connected.has(server);
    return {
      ...addressesOf(member),
      server,
      role,
      isHealthy: isSelf ? !membership.isRemoved : isHeard,
      lastContactMs: isSelf ? 0 : peers.silenceMs(server),
      // Known on the leader only.
      details: { match_index: replica.core.progressOf(server)?.match ?? null },
    };
  }
}

function addressesOf({ server, raftAddress, httpAddress }: Member): NodeAddresses {
  return { node: nodeOf(server), peerAddress: raftAddress, httpAddress };
}
