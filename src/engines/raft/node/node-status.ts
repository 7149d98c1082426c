// A node's report about itself and its cluster.

import type { EngineHealth, MemberStatus } from '../../engine.ts';
import {
  type Configuration,
  findMember,
  isVoter,
  type Member,
  type ServerId,
} from '../core/configuration.ts';
import type { OwnMembership } from './membership/own-membership.ts';
import type { Peers } from './membership/peers.ts';
import { nodeOf } from './membership/server-id.ts';
import type { Replica } from './replica.ts';

type ServerState =
  | 'leader'
  | 'follower'
  | 'candidate'
  | 'pre-candidate'
  | 'learner'
  /** The server has no configuration yet and waits to be joined. */
  | 'waiting'
  | 'removed'
  | 'stopped';

/** Raft's figures of one server. */
export interface RaftStatus {
  readonly server: ServerId;
  readonly clusterId: string;
  readonly state: ServerState;
  readonly term: number;
  readonly leader: Member | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastLogIndex: number;
  readonly snapshotIndex: number;
  readonly configuration: Configuration;
}

interface StatusSources {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly membership: OwnMembership;
  readonly isStopped: boolean;
}

export function describeNode(sources: StatusSources): RaftStatus {
  const { replica, membership } = sources;
  const { core, appliedIndex, snapshotIndex } = replica;
  const { server, clusterId } = membership.identity;
  const { configuration } = core;
  return {
    server,
    clusterId,
    state: stateOf(sources, { configuration, server }),
    term: core.term,
    leader: core.leader === undefined ? undefined : findMember(configuration, core.leader),
    commitIndex: core.commitIndex,
    appliedIndex,
    lastLogIndex: core.lastLogIndex,
    snapshotIndex,
    configuration,
  };
}

/** Returns the same figures in the port's words. `isCurrent`: the node's state was current a moment ago. */
export function describeHealth(status: RaftStatus, isCurrent: boolean): EngineHealth {
  const { leader, state } = status;
  return {
    kind: healthKind(status, isCurrent),
    node: nodeOf(status.server),
    clusterId: status.clusterId,
    isLeader: state === 'leader',
    leader: leader && {
      node: nodeOf(leader.server),
      peerAddress: leader.raftAddress,
      httpAddress: leader.httpAddress,
    },
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

function healthKind({ state, leader }: RaftStatus, isCurrent: boolean): EngineHealth['kind'] {
  if (state === 'waiting' || state === 'removed' || state === 'stopped') return 'out';
  if (leader === undefined) return 'no-quorum';
  return isCurrent ? 'ready' : 'catching-up';
}

export function describeMembers(sources: StatusSources): MemberStatus[] {
  return sources.replica.core.configuration.members.map((member) => describeMember(sources, member));
}

function stateOf(
  { isStopped, membership, replica }: StatusSources,
  { configuration, server }: { configuration: Configuration; server: ServerId },
): ServerState {
  if (isStopped) return 'stopped';
  if (membership.isRemoved) return 'removed';
  if (configuration.members.length === 0) return 'waiting';
  const { role } = replica.core;
  return role === 'follower' && !isVoter(configuration, server) ? 'learner' : role;
}

function describeMember({ replica, peers, membership }: StatusSources, member: Member): MemberStatus {
  const { core } = replica;
  const { server, role, raftAddress, httpAddress } = member;
  const isSelf = server === membership.identity.server;
  // Followers exchange messages with the leader only. Of each other they know whether the connection is up.
  const isHeard = core.role === 'leader' ? peers.isAlive(server) : peers.isConnected(server);
  return {
    node: nodeOf(server),
    server,
    role,
    peerAddress: raftAddress,
    httpAddress,
    isHealthy: isSelf ? !membership.isRemoved : isHeard,
    lastContactMs: isSelf ? 0 : peers.silenceMs(server),
    // Known on the leader only.
    details: { match_index: core.progressOf(server)?.match ?? null },
  };
}
