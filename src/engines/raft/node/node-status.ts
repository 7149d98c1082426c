// What a node says about itself and its cluster.

import type { EngineStatus, MemberStatus, ServerState } from '../../engine.ts';
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

export interface StatusSources {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly membership: OwnMembership;
  readonly isStopped: boolean;
}

export function describeNode(sources: StatusSources): EngineStatus {
  const { replica, membership } = sources;
  const { core, appliedIndex, snapshotIndex } = replica;
  const { server, clusterId } = membership.identity;
  const { configuration } = core;
  return {
    server,
    node: nodeOf(server),
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
  const { server } = member;
  const common = { ...member, node: nodeOf(server), matchIndex: core.progressOf(server)?.match };
  if (server === membership.identity.server) {
    return { ...common, healthy: !membership.isRemoved, lastContactMs: 0 };
  }
  // Followers speak to the leader alone: of each other they know only whether the connection stands.
  const healthy = core.role === 'leader' ? peers.isAlive(server) : peers.isConnected(server);
  return { ...common, healthy, lastContactMs: peers.silenceMs(server) };
}
