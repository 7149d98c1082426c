// The parts that the steps of a join and of a removal share. All of them run on the leader.

import type { Logger } from '../../../../shared/logger.ts';
import type { MemberChangeOutcome } from '../../../engine.ts';
import { type Configuration, findMember, type Member, type ServerId } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Clock } from '../ports/clock.ts';
import type { Transport } from '../ports/transport.ts';
import type { Replica } from '../replica.ts';
import type { OwnMembership } from './own-membership.ts';
import type { Peers } from './peers.ts';
import { votersWithout } from './removal.ts';
import { nodeOf } from './server-id.ts';

/** The part of the core that a change of members uses. */
type MemberChangeCore = Pick<
  RaftCore,
  'role' | 'configuration' | 'committedConfiguration' | 'isConfigurationCommitted' | 'proposeConfiguration'
>;

export interface MemberChangePorts {
  readonly core: MemberChangeCore;
  readonly replica: Pick<Replica, 'schedule' | 'runOrStop'>;
  readonly membership: Pick<OwnMembership, 'identity'>;
  readonly peers: Pick<Peers, 'silenceMs' | 'isAlive'>;
  readonly transport: Pick<Transport, 'probe'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface MemberChangeOptions {
  readonly self: ServerId;
  /** A server that was silent for this long counts as dead. */
  readonly silentAfterMs: number;
  readonly timeoutMs: number;
  /** How long a join waits for the learner's promotion before it is answered. */
  readonly promotionWaitMs: number;
}

/** One change that is under way. */
export interface MemberChangeSteps {
  /** Continues the change if it can. An outcome ends it. */
  step(): MemberChangeOutcome | undefined;
  /** Whether a configuration of this change is in the log, committed or not. */
  readonly hasProposed: boolean;
}

export type Refused = MemberChangeOutcome & { readonly kind: 'refused' };

export function refused(code: string, message: string): Refused {
  return { kind: 'refused', code, message };
}

export function findNode(configuration: Configuration, node: string): Member | undefined {
  return configuration.members.find((member) => nodeOf(member.server) === node);
}

/**
 * Returns true when the change is in the log now. False while another is under way: the next step tries
 * again.
 */
export function propose(ports: MemberChangePorts, next: Configuration, what: string): boolean {
  const result = ports.core.proposeConfiguration(next);
  if (result.kind === 'refused') return false;
  ports.logger.info(`membership: ${what}`, { index: result.index });
  ports.replica.schedule();
  return true;
}

export function done(
  { core }: MemberChangePorts,
  { self, role }: { self: ServerId; role: 'voter' | 'learner' | 'removed' },
): MemberChangeOutcome {
  const leaderAddress = findMember(core.configuration, self)?.raftAddress ?? '';
  return { kind: 'done', leaderAddress, role };
}

/** Refuses a removal that the remaining voters could not commit: it would stop the cluster. */
export function removalObjection(ports: MemberChangePorts, member: Member): Refused | undefined {
  if (member.role !== 'voter') return undefined;
  const node = nodeOf(member.server);
  const { configuration } = ports.core;
  const rest = votersWithout(configuration, member.server, (server) => ports.peers.isAlive(server));
  if (rest.total === 0) return refused('last_voter', `${node} is the last voter and cannot be removed`);
  if (rest.canCommit) return undefined;
  return refused(
    'would_lose_quorum',
    `without ${node} only ${rest.alive} of ${rest.total} voters answer, too few to agree on anything; bring one back first`,
  );
}
