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
import { nodeOf } from './server-id.ts';

/** The part of the core that a change of members uses. */
type MemberChangeCore = Pick<
  RaftCore,
  'role' | 'configuration' | 'committedConfiguration' | 'isConfigurationCommitted' | 'proposeConfiguration'
>;

export interface MemberChangeParts {
  readonly core: MemberChangeCore;
  readonly replica: Pick<Replica, 'schedule' | 'runOrStop'>;
  readonly membership: Pick<OwnMembership, 'identity'>;
  readonly peers: Pick<Peers, 'silenceMs' | 'isAlive'>;
  readonly transport: Pick<Transport, 'probe'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly self: ServerId;
  /** A server that was silent for this long counts as dead. */
  readonly silentAfterMs: number;
  readonly timeoutMs: number;
  /** How long a join waits for the learner's promotion before it is answered. */
  readonly promotionWaitMs: number;
}

/**
 * The result of one step. An outcome ends the change. `proposed`: a configuration of the change is in the log
 * now, committed or not. Undefined: the change waits.
 */
export type StepResult = MemberChangeOutcome | 'proposed' | undefined;

export type Refused = MemberChangeOutcome & { readonly kind: 'refused' };

export function refused(code: string, message: string): Refused {
  return { kind: 'refused', code, message };
}

export function findNode(configuration: Configuration, node: string): Member | undefined {
  return configuration.members.find((member) => nodeOf(member.server) === node);
}

/** Returns undefined while another change is under way: the next step tries again. */
export function propose(
  { core, logger, replica }: MemberChangeParts,
  next: Configuration,
  what: string,
): 'proposed' | undefined {
  const result = core.proposeConfiguration(next);
  if (result.kind === 'refused') return undefined;
  logger.info(`membership: ${what}`, { index: result.index });
  replica.schedule();
  return 'proposed';
}

export function done(
  { core, self }: MemberChangeParts,
  role: 'voter' | 'learner' | 'removed',
): MemberChangeOutcome {
  const leaderAddress = findMember(core.configuration, self)?.raftAddress ?? '';
  return { kind: 'done', leaderAddress, role };
}
