// The members of the cluster. A configuration is replicated whole, as one log entry (dissertation §4.1).

/**
 * One incarnation of a node: `<node id>@<incarnation>`. The incarnation is bound to a data directory. A node
 * whose disk was wiped is therefore a new server and can never vote as the old one.
 */
export type ServerId = string;

export type Role = 'voter' | 'learner';

export interface Member {
  readonly server: ServerId;
  readonly role: Role;
  /** host:port at which peers dial this node for Raft. */
  readonly raftAddress: string;
  /** host:port of the node's API, for people and for joining nodes. */
  readonly httpAddress: string;
}

export interface Configuration {
  /** Sorted by server id, no id twice. */
  readonly members: readonly Member[];
  /** The last removed servers, oldest first, at most MAX_REMEMBERED_REMOVALS. They may not return. */
  readonly removed: readonly ServerId[];
}

export const MAX_REMEMBERED_REMOVALS = 64;
export const MAX_MEMBERS = 64;

export const EMPTY_CONFIGURATION: Configuration = { members: [], removed: [] };

export function voters(configuration: Configuration): ServerId[] {
  return configuration.members.filter((member) => member.role === 'voter').map((member) => member.server);
}

export function findMember(configuration: Configuration, server: ServerId): Member | undefined {
  return configuration.members.find((member) => member.server === server);
}

export function isVoter(configuration: Configuration, server: ServerId): boolean {
  return findMember(configuration, server)?.role === 'voter';
}

/** Returns the configuration with `member` added, or replaced if its server is already a member. */
export function withMember(configuration: Configuration, member: Member): Configuration {
  const others = configuration.members.filter((other) => other.server !== member.server);
  const members = [...others, member].sort((a, b) => (a.server < b.server ? -1 : 1));
  return { members, removed: configuration.removed };
}

/** Returns the configuration without `server`, which is remembered as removed. */
export function withoutMember(configuration: Configuration, server: ServerId): Configuration {
  return {
    members: configuration.members.filter((member) => member.server !== server),
    removed: [...configuration.removed.filter((gone) => gone !== server), server].slice(
      -MAX_REMEMBERED_REMOVALS,
    ),
  };
}
