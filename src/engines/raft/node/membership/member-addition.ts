// One join, on the leader: ask the address for its identity, remove a dead incarnation of the node, add the
// new one as a learner, and wait for its promotion (dissertation §4.2.1).

import type { MemberChange } from '../../../engine.ts';
import { findMember, MAX_MEMBERS, type Member, withMember, withoutMember } from '../../core/configuration.ts';
import type { PeerIdentity } from '../ports/transport.ts';
import {
  done,
  findNode,
  type MemberChangeParts,
  propose,
  type Refused,
  refused,
  type StepResult,
} from './member-change-step.ts';
import { removalObjection } from './member-removal.ts';
import { nodeOf } from './server-id.ts';

type Addition = MemberChange & { readonly kind: 'add' };

export class MemberAddition {
  readonly #parts: MemberChangeParts;
  readonly #change: Addition;
  readonly #startedAt: number;
  #isProbing = false;
  /** The identity that answered at the address, or why it cannot join. */
  #found: PeerIdentity | Refused | undefined;

  /** Called when the address has answered: step again. */
  readonly #onProbed: () => void;

  constructor(parts: MemberChangeParts, change: Addition, onProbed: () => void) {
    this.#parts = parts;
    this.#change = change;
    this.#onProbed = onProbed;
    this.#startedAt = parts.clock.now();
  }

  step(): StepResult {
    const found = this.#found;
    if (found !== undefined) return 'kind' in found ? found : this.#admit(found);
    if (this.#isProbing) return undefined;
    const conflict = this.#addressConflict();
    if (conflict !== undefined) return conflict;
    this.#isProbing = true;
    const { replica, transport } = this.#parts;
    transport.probe(this.#change.peerAddress, (error, identity) =>
      replica.runOrStop(() => {
        this.#found =
          identity === undefined ? this.#unreachable(error) : (this.#identityConflict(identity) ?? identity);
        this.#onProbed();
      }),
    );
    return undefined;
  }

  // ------------------------------------------------------------ who is there

  #addressConflict(): Refused | undefined {
    const { node, peerAddress } = this.#change;
    const holder = this.#parts.core.configuration.members.find(
      (member) => member.raftAddress === peerAddress && nodeOf(member.server) !== node,
    );
    if (holder === undefined) return undefined;
    return refused(
      'address_in_use',
      `${peerAddress} is the Raft address of member ${nodeOf(holder.server)}; give ${node} another one with -raft or -advertise`,
    );
  }

  #identityConflict({ server, clusterId }: PeerIdentity): Refused | undefined {
    const { node, peerAddress } = this.#change;
    const found = nodeOf(server);
    if (found !== node) {
      return refused('wrong_node', `at ${peerAddress} answers node ${found}, not ${node}`);
    }
    if (clusterId !== '' && clusterId !== this.#parts.membership.identity.clusterId) {
      return refused(
        'foreign_cluster',
        `${node} belongs to another cluster; start it with -clean to give up its data there, then join again`,
      );
    }
    if (!this.#parts.core.configuration.removed.includes(server)) return undefined;
    return refused(
      'removed_server',
      `${node} was removed and still runs as its old self; restart it with -join`,
    );
  }

  #unreachable(error: Error | undefined): Refused {
    const { node, peerAddress } = this.#change;
    return refused(
      'node_unreachable',
      `nobody answers at ${peerAddress} (${error?.message ?? 'no answer'}); start ${node} first, and check -raft and -advertise`,
    );
  }

  // ------------------------------------------------------------ letting it in

  #admit(identity: PeerIdentity): StepResult {
    const { configuration } = this.#parts.core;
    const { node, peerAddress, httpAddress } = this.#change;
    const { server } = identity;
    const member = findMember(configuration, server);
    if (member !== undefined) return this.#finish(member);
    // The server was added and removed again while this join waited.
    const conflict = this.#identityConflict(identity);
    if (conflict !== undefined) return conflict;
    const other = findNode(configuration, node);
    if (other !== undefined) return this.#replace(other);
    if (configuration.members.length >= MAX_MEMBERS) {
      return refused('too_many_members', `a cluster has at most ${MAX_MEMBERS} members; remove one first`);
    }
    const learner: Member = { server, role: 'learner', raftAddress: peerAddress, httpAddress };
    return propose(this.#parts, withMember(configuration, learner), `adding ${node} as a learner`);
  }

  /** The node's old incarnation must be silent before the new one gets its place. */
  #replace(old: Member): StepResult {
    const { core, clock, peers, self, silentAfterMs } = this.#parts;
    const waited = clock.now() - this.#startedAt;
    const heardBefore = peers.silenceMs(old.server) ?? waited;
    // Where the new incarnation answers at the old one's address, the old one cannot listen any more. Its
    // silence counts from when it was last heard.
    const silence =
      old.raftAddress === this.#change.peerAddress ? heardBefore : Math.min(heardBefore, waited);
    if (old.server === self || (silence < waited && waited >= silentAfterMs)) {
      return refused(
        'node_id_in_use',
        `a node named ${nodeOf(old.server)} is a member and alive; choose another -id, or remove that one first`,
      );
    }
    if (silence < silentAfterMs) return undefined;
    const next = withoutMember(core.configuration, old.server);
    const what = `removing the old incarnation ${old.server}, whose disk is gone`;
    return removalObjection(this.#parts, old) ?? propose(this.#parts, next, what);
  }

  #finish(member: Member): StepResult {
    const { core, clock, promotionWaitMs } = this.#parts;
    const { node, peerAddress: raftAddress } = this.#change;
    const httpAddress = this.#change.httpAddress === '' ? member.httpAddress : this.#change.httpAddress;
    if (member.raftAddress !== raftAddress || member.httpAddress !== httpAddress) {
      const next = withMember(core.configuration, { ...member, raftAddress, httpAddress });
      return propose(this.#parts, next, `${node} has moved`);
    }
    if (!core.isConfigurationCommitted) return undefined;
    // The server is a member. Wait a while for its promotion, since most catch up at once.
    const isWaitOver = clock.now() - this.#startedAt >= promotionWaitMs;
    return member.role === 'voter' || isWaitOver ? done(this.#parts, member.role) : undefined;
  }
}
