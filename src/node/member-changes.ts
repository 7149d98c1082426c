// Joins and removals, on the leader: each a few steps that wait for a commit (dissertation §4). Several may wait;
// the core sees to it that one configuration at a time is under way.

import type { MemberChange, MemberChangeOutcome } from '../codec/peer-message.ts';
import {
  type Configuration,
  findMember,
  type Member,
  type ServerId,
  voters,
  withMember,
  withoutMember,
} from '../raft/configuration.ts';
import { majority } from '../raft/quorum.ts';
import type { RaftCore } from '../raft/raft-core.ts';
import type { Clock, Logger, PeerIdentity, Transport } from './ports.ts';
import { nodeOf } from './server-id.ts';

/** Joins and removals that wait for their turn. */
export const MAX_WAITING_CHANGES = 16;

export interface MemberChangePorts {
  readonly core: RaftCore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  clusterId(): string;
  /** Milliseconds since the server was last heard of; undefined when never. */
  silenceMs(server: ServerId): number | undefined;
  /** The core has something new to do. */
  schedule(): void;
}

export interface MemberChangeOptions {
  readonly self: ServerId;
  /** A server silent for this long does not answer. */
  readonly silentAfterMs: number;
  readonly timeoutMs: number;
  /** How long a join waits for the learner's promotion before it is answered. */
  readonly promotionWaitMs: number;
}

/** A change that waits, and what it waits for next. */
interface Running {
  readonly change: MemberChange;
  readonly startedAt: number;
  readonly done: (outcome: MemberChangeOutcome) => void;
  /** Called at every tick; an outcome ends the change. */
  step: () => MemberChangeOutcome | undefined;
}

type Refused = MemberChangeOutcome & { readonly kind: 'refused' };

export class MemberChanges {
  readonly #ports: MemberChangePorts;
  readonly #options: MemberChangeOptions;
  #waiting: Running[] = [];

  constructor(ports: MemberChangePorts, options: MemberChangeOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Begins a change on the leader; `done` is called once, when it is committed or cannot be. */
  begin(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    if (this.#waiting.length >= MAX_WAITING_CHANGES) {
      done(refused('too_busy', 'too many joins and removals are waiting; try again in a few seconds'));
      return;
    }
    const running: Running = {
      change,
      startedAt: this.#ports.clock.now(),
      done,
      step: () => undefined,
    };
    running.step = change.kind === 'add' ? this.#addSteps(running, change) : this.#removeSteps(change);
    this.#waiting.push(running);
    this.tick();
  }

  /** Goes on with every change that can. */
  tick(): void {
    for (const running of [...this.#waiting]) {
      const outcome = this.#outcomeOf(running);
      if (outcome === undefined) continue;
      this.#waiting = this.#waiting.filter((other) => other !== running);
      running.done(outcome);
    }
  }

  #outcomeOf(running: Running): MemberChangeOutcome | undefined {
    const { core, clock } = this.#ports;
    if (core.role !== 'leader') return this.#outcomeAfterLeading(running.change);
    const outcome = running.step();
    if (outcome !== undefined) return outcome;
    return clock.now() - running.startedAt >= this.#options.timeoutMs ? { kind: 'unknown' } : undefined;
  }

  /** A leader that was removed itself handed over when that was committed. */
  #outcomeAfterLeading(change: MemberChange): MemberChangeOutcome {
    const { members } = this.#ports.core.committedConfiguration;
    const isMember = members.some((member) => nodeOf(member.server) === change.node);
    return change.kind === 'remove' && !isMember ? this.#done('removed') : { kind: 'no-leader' };
  }

  // ------------------------------------------------------------ add

  /** Asks who is there, replaces a dead incarnation of the same node, adds a learner, waits for its promotion. */
  #addSteps(running: Running, change: MemberChange & { kind: 'add' }): () => MemberChangeOutcome | undefined {
    let identity: PeerIdentity | undefined;
    let failure: Refused | undefined;
    let isProbing = false;
    return () => {
      if (failure !== undefined) return failure;
      if (identity !== undefined) return this.#addStep(running, change, identity);
      if (isProbing) return undefined;
      isProbing = true;
      failure = this.#addressConflict(change);
      if (failure !== undefined) return failure;
      this.#ports.transport.probe(change.raftAddress, (error, answer) => {
        if (answer === undefined) failure = unreachableNode(change, error);
        else {
          failure = this.#identityConflict(change, answer);
          identity = answer;
        }
        this.tick();
      });
      return undefined;
    };
  }

  #addressConflict(change: MemberChange & { kind: 'add' }): Refused | undefined {
    const holder = this.#ports.core.configuration.members.find(
      (member) => member.raftAddress === change.raftAddress && nodeOf(member.server) !== change.node,
    );
    if (holder === undefined) return undefined;
    return refused(
      'address_in_use',
      `${change.raftAddress} is the Raft address of member ${nodeOf(holder.server)}; give ${change.node} another one with -raft or -advertise`,
    );
  }

  #identityConflict(change: MemberChange & { kind: 'add' }, identity: PeerIdentity): Refused | undefined {
    const { core } = this.#ports;
    const found = nodeOf(identity.server);
    if (found !== change.node) {
      return refused('wrong_node', `at ${change.raftAddress} answers node ${found}, not ${change.node}`);
    }
    if (identity.clusterId !== '' && identity.clusterId !== this.#ports.clusterId()) {
      return refused(
        'foreign_cluster',
        `${change.node} belongs to another cluster; start it with -clean to give up its data there, then join again`,
      );
    }
    if (core.configuration.removed.includes(identity.server)) {
      return refused(
        'removed_server',
        `${change.node} was removed and still runs as its old self; restart it with -join`,
      );
    }
    return undefined;
  }

  #addStep(
    running: Running,
    change: MemberChange & { kind: 'add' },
    identity: PeerIdentity,
  ): MemberChangeOutcome | undefined {
    const { core } = this.#ports;
    const { configuration } = core;
    const member = findMember(configuration, identity.server);
    if (member !== undefined) return this.#finishAdd(running, change, member);
    const other = configuration.members.find((candidate) => nodeOf(candidate.server) === change.node);
    if (other !== undefined) return this.#replaceStep(running, other);
    this.#propose(
      withMember(configuration, {
        server: identity.server,
        role: 'learner',
        raftAddress: change.raftAddress,
        httpAddress: change.httpAddress,
      }),
      `adding ${change.node} as a learner`,
    );
    return undefined;
  }

  /** The node's old incarnation must be silent before its place is given to the new one. */
  #replaceStep(running: Running, old: Member): MemberChangeOutcome | undefined {
    const { core, clock } = this.#ports;
    const waited = clock.now() - running.startedAt;
    const silence = Math.min(this.#ports.silenceMs(old.server) ?? waited, waited);
    if (old.server === this.#options.self || (silence < waited && waited >= this.#options.silentAfterMs)) {
      return refused(
        'node_id_in_use',
        `a node named ${nodeOf(old.server)} is a member and alive; choose another -id, or remove that one first`,
      );
    }
    if (silence < this.#options.silentAfterMs) return undefined;
    const objection = this.#removalObjection(old);
    if (objection !== undefined) return objection;
    this.#propose(
      withoutMember(core.configuration, old.server),
      `removing the old incarnation ${old.server}, whose disk is gone`,
    );
    return undefined;
  }

  #finishAdd(
    running: Running,
    change: MemberChange & { kind: 'add' },
    member: Member,
  ): MemberChangeOutcome | undefined {
    const { core, clock } = this.#ports;
    const httpAddress = change.httpAddress === '' ? member.httpAddress : change.httpAddress;
    if (member.raftAddress !== change.raftAddress || member.httpAddress !== httpAddress) {
      const moved = { ...member, raftAddress: change.raftAddress, httpAddress };
      this.#propose(withMember(core.configuration, moved), `${change.node} has moved`);
      return undefined;
    }
    if (!core.isConfigurationCommitted) return undefined;
    // It is a member; its promotion is waited for a while, since most catch up at once.
    const waited = clock.now() - running.startedAt;
    return member.role === 'voter' || waited >= this.#options.promotionWaitMs
      ? this.#done(member.role)
      : undefined;
  }

  // ------------------------------------------------------------ remove

  #removeSteps(change: MemberChange & { kind: 'remove' }): () => MemberChangeOutcome | undefined {
    let isProposed = false;
    return () => {
      const { core } = this.#ports;
      const member = core.configuration.members.find((candidate) => nodeOf(candidate.server) === change.node);
      if (member === undefined) {
        if (!isProposed) return refused('not_found', `no node named ${change.node} is a member`);
        return core.isConfigurationCommitted ? this.#done('removed') : undefined;
      }
      const objection = this.#removalObjection(member);
      if (objection !== undefined) return objection;
      const next = withoutMember(core.configuration, member.server);
      isProposed = this.#propose(next, `removing ${change.node}`) || isProposed;
      return undefined;
    };
  }

  /** A change that the remaining voters could not commit would stop the cluster. */
  #removalObjection(member: Member): Refused | undefined {
    if (member.role !== 'voter') return undefined;
    const node = nodeOf(member.server);
    const rest = voters(this.#ports.core.configuration).filter((server) => server !== member.server);
    if (rest.length === 0) return refused('last_voter', `${node} is the last voter and cannot be removed`);
    const alive = rest.filter((server) => this.isAlive(server)).length;
    if (alive >= majority(rest.length)) return undefined;
    return refused(
      'would_lose_quorum',
      `without ${node} only ${alive} of ${rest.length} voters answer, too few to agree on anything; bring one back first`,
    );
  }

  isAlive(server: ServerId): boolean {
    if (server === this.#options.self) return true;
    const silence = this.#ports.silenceMs(server);
    return silence !== undefined && silence < this.#options.silentAfterMs;
  }

  /** True when the change is in the log now; when another is under way, the next tick tries again. */
  #propose(next: Configuration, what: string): boolean {
    const result = this.#ports.core.proposeConfiguration(next);
    if (result.kind === 'refused') return false;
    this.#ports.logger.info(`membership: ${what}`, { index: result.index });
    this.#ports.schedule();
    return true;
  }

  #done(role: 'voter' | 'learner' | 'removed'): MemberChangeOutcome {
    const self = findMember(this.#ports.core.configuration, this.#options.self);
    return { kind: 'done', leaderRaftAddress: self?.raftAddress ?? '', role };
  }
}

function refused(code: string, message: string): Refused {
  return { kind: 'refused', code, message };
}

function unreachableNode(change: MemberChange & { kind: 'add' }, error: Error | undefined): Refused {
  return refused(
    'node_unreachable',
    `nobody answers at ${change.raftAddress} (${error?.message ?? 'no answer'}); start ${change.node} first, and check -raft and -advertise`,
  );
}
