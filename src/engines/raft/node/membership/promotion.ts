// Learners become voters when they have caught up (dissertation §4.2.1).

import type { Logger } from '../../../../shared/logger.ts';
import { withMember } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';

/** What a promotion needs of the core. */
export type PromotionCore = Pick<
  RaftCore,
  | 'role'
  | 'isEstablished'
  | 'isConfigurationCommitted'
  | 'configuration'
  | 'progressOf'
  | 'lastLogIndex'
  | 'proposeConfiguration'
>;

export interface PromotionOptions {
  /** How many entries it may lack. */
  readonly lagEntries: number;
  /** It must have answered within this many ticks. */
  readonly silentTicks: number;
}

/** On the leader, proposes the promotion of one learner that is ready. True when it did. */
export function maybePromote(core: PromotionCore, options: PromotionOptions, logger: Logger): boolean {
  if (core.role !== 'leader' || !core.isEstablished || !core.isConfigurationCommitted) return false;
  for (const member of core.configuration.members) {
    if (member.role === 'voter') continue;
    const progress = core.progressOf(member.server);
    if (progress === undefined || progress.state !== 'replicate') continue;
    const lag = core.lastLogIndex - progress.match;
    if (lag > options.lagEntries || progress.ticksSinceContact >= options.silentTicks) continue;
    const result = core.proposeConfiguration(withMember(core.configuration, { ...member, role: 'voter' }));
    if (result.kind === 'refused') return false;
    logger.info('membership: learner becomes voter', { server: member.server, lag });
    return true;
  }
  return false;
}
