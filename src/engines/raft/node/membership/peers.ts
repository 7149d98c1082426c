// The peers of this node: the addresses to dial, the peers to admit, and when each was last heard.

import type { Logger } from '../../../../shared/logger.ts';
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  findMember,
  type ServerId,
} from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import type { PeerIdentity, RefusalReason, Transport } from '../ports/transport.ts';
import type { OwnMembership } from './own-membership.ts';

/**
 * Bound on introduced servers that are in no known configuration. One may lead with a newer configuration.
 */
const MAX_INTRODUCED = 16;

interface PeersParts {
  readonly transport: Pick<Transport, 'setPeers'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly core: Pick<RaftCore, 'configuration' | 'committedConfiguration'>;
  readonly membership: Pick<OwnMembership, 'isRemoved'>;
}

export class Peers implements Participant {
  readonly #self: ServerId;
  /** A server that was silent for this long does not count as alive. */
  readonly #silentAfterMs: number;
  readonly #parts: PeersParts;
  readonly #heardAt = new Map<ServerId, number>();
  readonly #connected = new Set<ServerId>();
  /** Addresses of servers outside the configuration, oldest first. */
  readonly #introduced = new Map<ServerId, string>();
  #inForce = EMPTY_CONFIGURATION;
  #committed = EMPTY_CONFIGURATION;

  constructor(parts: PeersParts, options: { self: ServerId; silentAfterMs: number }) {
    this.#self = options.self;
    this.#silentAfterMs = options.silentAfterMs;
    this.#parts = parts;
  }

  /**
   * Connects to the members in force and to introduced servers. A server that is being removed stays
   * connected until that is committed: a leader that removes itself needs the answers that commit it
   * (dissertation §4.2.2).
   */
  afterRound(): void {
    const { core, membership } = this.#parts;
    const { configuration: inForce, committedConfiguration: committed } = core;
    if (membership.isRemoved) return;
    if (inForce === this.#inForce && committed === this.#committed) return;
    this.#inForce = inForce;
    this.#committed = committed;
    for (const { server } of inForce.members) this.#introduced.delete(server);
    for (const server of committed.removed) this.#introduced.delete(server);
    this.#connect();
  }

  #connect(): void {
    const peers = new Map(this.#introduced);
    for (const { members } of [this.#committed, this.#inForce]) {
      for (const member of members) peers.set(member.server, member.raftAddress);
    }
    peers.delete(this.#self);
    for (const server of this.#heardAt.keys()) {
      if (!peers.has(server)) this.#heardAt.delete(server);
    }
    // The transport reports nothing more about servers that are no longer peers.
    for (const server of this.#connected) {
      if (!peers.has(server)) this.#connected.delete(server);
    }
    this.#parts.transport.setPeers(peers);
  }

  /**
   * A server says where it can be dialled. This node needs that to answer a leader that its log does not name
   * yet.
   */
  introduce(server: ServerId, raftAddress: string): void {
    if (server === this.#self || findMember(this.#inForce, server) !== undefined) return;
    if (this.#introduced.get(server) === raftAddress) return;
    this.#introduced.delete(server);
    this.#introduced.set(server, raftAddress);
    if (this.#introduced.size > MAX_INTRODUCED) {
      const oldest = this.#introduced.keys().next().value;
      if (oldest !== undefined) this.#introduced.delete(oldest);
    }
    this.#parts.logger.debug('a server introduced itself', { server, raftAddress });
    this.#connect();
  }

  /**
   * Returns why this peer may not talk to the node; undefined when it may. Only a committed configuration
   * removes a server for good.
   */
  admit(
    peer: PeerIdentity,
    options: { clusterId: string; committed: Configuration },
  ): RefusalReason | undefined {
    if (options.clusterId !== '' && peer.clusterId !== options.clusterId) {
      return peer.clusterId === '' ? 'not-member-yet' : 'foreign-cluster';
    }
    if (options.committed.removed.includes(peer.server)) return 'removed';
    // No other server has the incarnation of this data directory.
    if (peer.server === this.#self) return 'wrong-server';
    return undefined;
  }

  onHeard(server: ServerId): void {
    this.#heardAt.set(server, this.#parts.clock.now());
  }

  isConnected(server: ServerId): boolean {
    return this.#connected.has(server);
  }

  onUp(server: ServerId): void {
    this.#connected.add(server);
  }

  onDown(server: ServerId): void {
    this.#connected.delete(server);
  }

  /** Returns the milliseconds since anything came from the server; undefined when nothing has. */
  silenceMs(server: ServerId): number | undefined {
    const at = this.#heardAt.get(server);
    return at === undefined ? undefined : this.#parts.clock.now() - at;
  }

  /** Whether the server was heard lately. This node always counts as alive. */
  isAlive(server: ServerId): boolean {
    if (server === this.#self) return true;
    const silence = this.silenceMs(server);
    return silence !== undefined && silence < this.#silentAfterMs;
  }

  /** Disconnects from every peer: this server takes no further part. */
  leaveAll(): void {
    this.#introduced.clear();
    this.#inForce = EMPTY_CONFIGURATION;
    this.#committed = EMPTY_CONFIGURATION;
    this.#connect();
  }
}
