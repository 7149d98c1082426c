// One join, on the leader: ask the address for its identity, remove a dead incarnation of the node, add the
// new one as a learner, and wait for its promotion (dissertation §4.2.1).

import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import {
  type Configuration,
  findMember,
  MAX_MEMBERS,
  type Member,
  type ServerId,
  withMember,
  withoutMember,
} from '../../core/configuration.ts';
import type { PeerIdentity } from '../ports/transport.ts';
import {
  done,
  findNode,
  type MemberChangeOptions,
  type MemberChangePorts,
  type MemberChangeSteps,
  propose,
  type Refused,
  refused,
  removalObjection,
} from './member-change-step.ts';
import { nodeOf } from './server-id.ts';

type Addition = MemberChange & { readonly kind: 'add' };

export class MemberAddition implements MemberChangeSteps {
  readonly #ports: MemberChangePorts;
  readonly #options: MemberChangeOptions;
  readonly #change: Addition;
  readonly #startedAt: number;
  #isProbing = false;
  /** The identity that answered at the address. */
  #identity: PeerIdentity | undefined;
  #failure: Refused | undefined;
  hasProposed = false;

  /** Called when the address has answered: step again. */
  readonly #onProbed: () => void;

  constructor(
    ports: MemberChangePorts,
    options: MemberChangeOptions,
    request: { change: Addition; onProbed: () => void },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#change = request.change;
    this.#onProbed = request.onProbed;
    this.#startedAt = ports.clock.now();
  }

  step(): MemberChangeOutcome | undefined {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#identity !== undefined) return this.#admit(this.#identity);
    if (this.#isProbing) return undefined;
    const conflict = this.#addressConflict();
    if (conflict !== undefined) return conflict;
    this.#isProbing = true;
    const { peerAddress } = this.#change;
    this.#ports.transport.probe(peerAddress, (error, identity) =>
      this.#ports.replica.runOrStop(() => {
        this.#identity = identity;
        this.#failure = identity === undefined ? this.#unreachable(error) : this.#identityConflict(identity);
        this.#onProbed();
      }),
    );
    return undefined;
  }

  // ------------------------------------------------------------ who is there

  #addressConflict(): Refused | undefined {
    const { node, peerAddress } = this.#change;
    const holder = this.#ports.core.configuration.members.find(
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
    if (clusterId !== '' && clusterId !== this.#ports.membership.identity.clusterId) {
      return refused(
        'foreign_cluster',
        `${node} belongs to another cluster; start it with -clean to give up its data there, then join again`,
      );
    }
    return this.#removalConflict(server);
  }

  #removalConflict(server: ServerId): Refused | undefined {
    if (!this.#ports.core.configuration.removed.includes(server)) return undefined;
    return refused(
      'removed_server',
      `${this.#change.node} was removed and still runs as its old self; restart it with -join`,
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

  #admit({ server }: PeerIdentity): MemberChangeOutcome | undefined {
    const { configuration } = this.#ports.core;
    const { node, peerAddress, httpAddress } = this.#change;
    const member = findMember(configuration, server);
    if (member !== undefined) return this.#finish(member);
    // The server was added and removed again while this join waited.
    const conflict = this.#removalConflict(server);
    if (conflict !== undefined) return conflict;
    const other = findNode(configuration, node);
    if (other !== undefined) return this.#replace(other);
    if (configuration.members.length >= MAX_MEMBERS) {
      return refused('too_many_members', `a cluster has at most ${MAX_MEMBERS} members; remove one first`);
    }
    const learner: Member = { server, role: 'learner', raftAddress: peerAddress, httpAddress };
    this.#propose(withMember(configuration, learner), `adding ${node} as a learner`);
    return undefined;
  }

  /** The node's old incarnation must be silent before the new one gets its place. */
  #replace(old: Member): MemberChangeOutcome | undefined {
    const { core, clock } = this.#ports;
    const { self, silentAfterMs } = this.#options;
    const waited = clock.now() - this.#startedAt;
    const heardBefore = this.#ports.peers.silenceMs(old.server) ?? waited;
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
    const objection = removalObjection(this.#ports, old);
    if (objection !== undefined) return objection;
    this.#propose(
      withoutMember(core.configuration, old.server),
      `removing the old incarnation ${old.server}, whose disk is gone`,
    );
    return undefined;
  }

  #finish(member: Member): MemberChangeOutcome | undefined {
    const { core, clock } = this.#ports;
    const { self, promotionWaitMs } = this.#options;
    const { node, peerAddress } = this.#change;
    const httpAddress = this.#change.httpAddress === '' ? member.httpAddress : this.#change.httpAddress;
    if (member.raftAddress !== peerAddress || member.httpAddress !== httpAddress) {
      this.#propose(
        withMember(core.configuration, { ...member, raftAddress: peerAddress, httpAddress }),
        `${node} has moved`,
      );
      return undefined;
    }
    if (!core.isConfigurationCommitted) return undefined;
    // The server is a member. Wait a while for its promotion, since most catch up at once.
    const isWaitOver = clock.now() - this.#startedAt >= promotionWaitMs;
    return member.role === 'voter' || isWaitOver ? done(this.#ports, { self, role: member.role }) : undefined;
  }

  #propose(next: Configuration, what: string): void {
    if (propose(this.#ports, next, what)) this.hasProposed = true;
  }
}
