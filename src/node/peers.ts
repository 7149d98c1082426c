// Who this node talks to, who may talk to it, and when it last heard of whom.

import type { Configuration, ServerId } from '../raft/configuration.ts';
import type { Clock, Logger, PeerIdentity, RefusalReason, Transport } from './ports.ts';

/** Servers that introduced themselves and are in no configuration known here: a leader that is newer than our log. */
const MAX_INTRODUCED = 16;

export class Peers {
  readonly #self: ServerId;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #heardAt = new Map<ServerId, number>();
  readonly #connected = new Set<ServerId>();
  /** Addresses of servers outside the configuration, oldest first. */
  readonly #introduced = new Map<ServerId, string>();
  #configuration: Configuration = { members: [], removed: [] };

  constructor(self: ServerId, ports: { transport: Transport; clock: Clock; logger: Logger }) {
    this.#self = self;
    this.#transport = ports.transport;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
  }

  /** Connects to the members in force, and to those who introduced themselves. */
  follow(configuration: Configuration): void {
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    for (const member of configuration.members) this.#introduced.delete(member.server);
    for (const server of configuration.removed) this.#introduced.delete(server);
    this.#connect();
  }

  #connect(): void {
    const peers = new Map(this.#introduced);
    for (const member of this.#configuration.members) peers.set(member.server, member.raftAddress);
    peers.delete(this.#self);
    for (const server of this.#heardAt.keys()) {
      if (!peers.has(server)) this.#heardAt.delete(server);
    }
    this.#transport.setPeers(peers);
  }

  /** A server tells where it can be reached: needed to answer a leader that our log does not name yet. */
  introduce(server: ServerId, raftAddress: string): void {
    if (server === this.#self || this.#configuration.members.some((member) => member.server === server))
      return;
    if (this.#introduced.get(server) === raftAddress) return;
    this.#introduced.delete(server);
    this.#introduced.set(server, raftAddress);
    if (this.#introduced.size > MAX_INTRODUCED) {
      const oldest = this.#introduced.keys().next().value;
      if (oldest !== undefined) this.#introduced.delete(oldest);
    }
    this.#logger.debug('a server introduced itself', { server, raftAddress });
    this.#connect();
  }

  /** May this peer talk to us? `committed` is the committed configuration: only it removes anybody for good. */
  admit(
    peer: PeerIdentity,
    options: { clusterId: string; committed: Configuration },
  ): RefusalReason | undefined {
    if (options.clusterId !== '' && peer.clusterId !== options.clusterId) {
      return peer.clusterId === '' ? 'not-member-yet' : 'foreign-cluster';
    }
    if (options.committed.removed.includes(peer.server)) return 'removed';
    return undefined;
  }

  heard(server: ServerId): void {
    this.#heardAt.set(server, this.#clock.now());
  }

  isConnected(server: ServerId): boolean {
    return this.#connected.has(server);
  }

  up(server: ServerId): void {
    this.#connected.add(server);
  }

  down(server: ServerId): void {
    this.#connected.delete(server);
  }

  /** Milliseconds since anything came from it; undefined when nothing has. */
  silenceMs(server: ServerId): number | undefined {
    const at = this.#heardAt.get(server);
    return at === undefined ? undefined : this.#clock.now() - at;
  }
}
