// This server's own membership: its cluster, and whether it was removed. Both are written to disk when
// learnt.

import type { Logger } from '../../../../shared/logger.ts';
import type { Configuration, ServerId } from '../../core/configuration.ts';
import type { ConfigurationEntry } from '../../core/entry.ts';
import { type LoadedState, type NodeIdentity, putIdentity, putRemoved } from '../log/durable-records.ts';
import type { Participant } from '../participant.ts';
import type { PeerIdentity } from '../ports/transport.ts';
import type { Replica } from '../replica.ts';
import { nodeOf } from './server-id.ts';
import { rememberStranger } from './strangers.ts';

interface OwnMembershipParts {
  readonly replica: Pick<Replica, 'write'>;
  readonly logger: Logger;
  /** Called once, when the server learns that it was removed. */
  onRemoved(): void;
}

export class OwnMembership implements Participant {
  readonly #parts: OwnMembershipParts;
  #identity: NodeIdentity;
  #isRemoved: boolean;
  /** The clusters of peers that said hello while this server has none, oldest first. */
  readonly #greeters = new Map<ServerId, string>();

  constructor(loaded: LoadedState, parts: OwnMembershipParts) {
    this.#identity = loaded.identity;
    this.#isRemoved = loaded.removed;
    this.#parts = parts;
  }

  get identity(): PeerIdentity {
    return this.#identity;
  }

  /** The cluster removed this server, which takes no further part. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** Whether this server belongs to a cluster that it can ask. */
  get takesPart(): boolean {
    return !this.#isRemoved && this.#identity.clusterId !== '';
  }

  /**
   * A peer said hello. That alone means nothing: the peer may have dialled an earlier owner of this address.
   */
  onGreeting(peer: PeerIdentity): void {
    if (this.#identity.clusterId !== '' || peer.clusterId === '') return;
    rememberStranger(this.#greeters, [peer.server, peer.clusterId]);
  }

  /** A peer addresses this server by its incarnation: a leader has made it a member of the peer's cluster. */
  onAddressed(from: ServerId): void {
    const clusterId = this.#greeters.get(from);
    if (clusterId === undefined) return;
    this.#identity = { ...this.#identity, clusterId };
    this.#greeters.clear();
    this.#parts.logger.info('joined a cluster', { clusterId });
    this.#parts.replica.write([putIdentity(this.#identity)]);
  }

  /** A configuration was committed and applied. */
  onConfiguration(entry: ConfigurationEntry, previous: Configuration): void {
    this.#parts.logger.info('membership: committed', {
      index: entry.index,
      members: describe(entry.configuration),
      before: describe(previous),
    });
    if (entry.configuration.removed.includes(this.#identity.server)) this.becomeRemoved();
  }

  becomeRemoved(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#parts.logger.warn('this server was removed from its cluster: it takes no further part');
    this.#parts.replica.write([putRemoved()]);
    this.#parts.onRemoved();
  }
}

function describe(configuration: Configuration): string[] {
  return configuration.members.map((member) => `${nodeOf(member.server)}:${member.role}`);
}
