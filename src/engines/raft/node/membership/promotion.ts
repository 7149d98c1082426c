// Learners become voters when they have caught up (dissertation §4.2.1).

import type { Logger } from '../../../../shared/logger.ts';
import { type Member, withMember } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Participant } from '../participant.ts';

/** The part of the core that a promotion uses. */
type PromotionCore = Pick<
  RaftCore,
  | 'role'
  | 'isEstablished'
  | 'isConfigurationCommitted'
  | 'configuration'
  | 'progressOf'
  | 'lastLogIndex'
  | 'proposeConfiguration'
>;

interface PromotionOptions {
  /** A learner that lacks more entries than this is not ready. */
  readonly lagEntries: number;
  /** A learner that was silent for this many ticks is not ready. */
  readonly silentTicks: number;
}

export class Promotion implements Participant {
  readonly #core: PromotionCore;
  readonly #logger: Logger;
  readonly #options: PromotionOptions;

  constructor({ core, logger }: { core: PromotionCore; logger: Logger }, options: PromotionOptions) {
    this.#core = core;
    this.#logger = logger;
    this.#options = options;
  }

  /** On the leader, proposes the promotion of one learner that is ready. */
  onTick(): void {
    const core = this.#core;
    if (core.role !== 'leader' || !core.isEstablished || !core.isConfigurationCommitted) return;
    for (const member of core.configuration.members) {
      const lag = this.#lagWhenReady(member);
      if (lag === undefined) continue;
      const promoted = withMember(core.configuration, { ...member, role: 'voter' });
      if (core.proposeConfiguration(promoted).kind === 'refused') return;
      this.#logger.info('membership: learner becomes voter', { server: member.server, lag });
      return;
    }
  }

  /** Returns how many entries the member lacks; undefined when it is a voter or not ready to be one. */
  #lagWhenReady({ server, role }: Member): number | undefined {
    const progress = this.#core.progressOf(server);
    if (role === 'voter' || progress?.state !== 'replicate') return undefined;
    const lag = this.#core.lastLogIndex - progress.match;
    const { lagEntries, silentTicks } = this.#options;
    return lag > lagEntries || progress.ticksSinceContact >= silentTicks ? undefined : lag;
  }
}
