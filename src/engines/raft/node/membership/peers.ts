// The peers of this node: the addresses to dial, the peers to admit, and when each was last heard.

import type { Logger } from '../../../../shared/logger.ts';
import { EMPTY_CONFIGURATION, findMember, type ServerId } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import type { PeerIdentity, RefusalReason, Transport } from '../ports/transport.ts';
import type { OwnMembership } from './own-membership.ts';
import { rememberStranger } from './strangers.ts';

interface PeersParts {
  readonly transport: Pick<Transport, 'setPeers'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly core: Pick<RaftCore, 'configuration' | 'committedConfiguration'>;
  readonly membership: Pick<OwnMembership, 'isRemoved' | 'identity'>;
}

interface PeersOptions {
  readonly self: ServerId;
  /** A server that was silent for this long does not count as alive. */
  readonly silentAfterMs: number;
}

export class Peers implements Participant {
  /** The servers to which a connection that this node dialled is open. */
  readonly connected = new Set<ServerId>();
  readonly #parts: PeersParts;
  readonly #options: PeersOptions;
  readonly #heardAt = new Map<ServerId, number>();
  /** Addresses of servers outside the configuration, oldest first. One may lead with a newer one. */
  readonly #introduced = new Map<ServerId, string>();
  #inForce = EMPTY_CONFIGURATION;
  #committed = EMPTY_CONFIGURATION;

  constructor(parts: PeersParts, options: PeersOptions) {
    this.#parts = parts;
    this.#options = options;
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
    peers.delete(this.#options.self);
    // The transport reports nothing more about servers that are no longer peers.
    for (const known of [this.#heardAt, this.connected]) {
      for (const server of known.keys()) if (!peers.has(server)) known.delete(server);
    }
    this.#parts.transport.setPeers(peers);
  }

  /**
   * A server says where it can be dialled. This node needs that to answer a leader that its log does not name
   * yet.
   */
  introduce(server: ServerId, raftAddress: string): void {
    if (server === this.#options.self || findMember(this.#inForce, server) !== undefined) return;
    if (this.#introduced.get(server) === raftAddress) return;
    rememberStranger(this.#introduced, [server, raftAddress]);
    this.#parts.logger.debug('a server introduced itself', { server, raftAddress });
    this.#connect();
  }

  /**
   * Returns why this peer may not talk to the node; undefined when it may. Only a committed configuration
   * removes a server for good.
   */
  admit(peer: PeerIdentity): RefusalReason | undefined {
    const { core, membership } = this.#parts;
    const { clusterId } = membership.identity;
    if (clusterId !== '' && peer.clusterId !== clusterId) {
      return peer.clusterId === '' ? 'not-member-yet' : 'foreign-cluster';
    }
    if (core.committedConfiguration.removed.includes(peer.server)) return 'removed';
    // No other server has the incarnation of this data directory.
    return peer.server === this.#options.self ? 'wrong-server' : undefined;
  }

  onHeard(server: ServerId): void {
    this.#heardAt.set(server, this.#parts.clock.now());
  }

  /** Returns the milliseconds since anything came from the server; undefined when nothing has. */
  silenceMs(server: ServerId): number | undefined {
    const at = this.#heardAt.get(server);
    return at === undefined ? undefined : this.#parts.clock.now() - at;
  }

  /** Whether the server was heard lately. This node always counts as alive. */
  isAlive(server: ServerId): boolean {
    const { self, silentAfterMs } = this.#options;
    return server === self || (this.silenceMs(server) ?? silentAfterMs) < silentAfterMs;
  }

  /** Disconnects from every peer: this server takes no further part. */
  leaveAll(): void {
    this.#introduced.clear();
    this.#inForce = EMPTY_CONFIGURATION;
    this.#committed = EMPTY_CONFIGURATION;
    this.#connect();
  }
}
