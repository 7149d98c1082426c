// The leader watches every member, and removes one that stays silent for too long.

import type { Logger } from '../../../../shared/logger.ts';
import { findMember, type Member, type ServerId, withoutMember } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { RaftOptions } from '../options.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import { votersWithout } from './member-removal.ts';

/** Pause between two log lines about a member that stays silent. */
const REPEAT_AFTER_MS = 30_000;

interface HealthParts {
  readonly core: Pick<RaftCore, 'role' | 'configuration' | 'progressOf' | 'proposeConfiguration'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HealthOptions
  extends Pick<RaftOptions, 'tickMs' | 'removeDeadAfterMs' | 'newMemberGraceMs' | 'minVoters'> {
  readonly self: ServerId;
  /** Silence after which the log mentions a member. */
  readonly silentAfterMs: number;
}

interface Watched {
  /** When this node first saw the member in a configuration. */
  readonly since: number;
  /** When its silence was last logged; undefined while the member is heard. */
  mentionedAt: number | undefined;
  /** The last logged reason why it could not be removed. */
  objection: string | undefined;
}

export class Health implements Participant {
  readonly #parts: HealthParts;
  readonly #options: HealthOptions;
  readonly #watched = new Map<ServerId, Watched>();

  constructor(parts: HealthParts, options: HealthOptions) {
    this.#parts = parts;
    this.#options = options;
    // The members at the start are not new.
    this.#watchMembers(parts.clock.now() - options.newMemberGraceMs);
  }

  /** Looks at every member, until a removal is proposed. */
  onTick(): void {
    const { core, clock } = this.#parts;
    const { configuration, role } = core;
    const now = clock.now();
    for (const server of this.#watched.keys()) {
      if (findMember(configuration, server) === undefined) this.#watched.delete(server);
    }
    this.#watchMembers(now);
    if (role !== 'leader') return;
    for (const member of configuration.members) {
      if (member.server !== this.#options.self && this.#look(member, now)) return;
    }
  }

  #watchMembers(since: number): void {
    for (const { server } of this.#parts.core.configuration.members) {
      if (this.#watched.has(server)) continue;
      this.#watched.set(server, { since, mentionedAt: undefined, objection: undefined });
    }
  }

  /** Returns true when the removal of the member was proposed. */
  #look(member: Member, now: number): boolean {
    const { logger } = this.#parts;
    const { silentAfterMs, removeDeadAfterMs, newMemberGraceMs } = this.#options;
    const { server } = member;
    const watched = this.#watched.get(server);
    const silentMs = this.#silentMs(server);
    if (watched === undefined || silentMs === undefined) return false;
    const { mentionedAt } = watched;
    if (silentMs < silentAfterMs) {
      if (mentionedAt !== undefined) logger.info('health: member is back', { server });
      watched.mentionedAt = undefined;
      watched.objection = undefined;
      return false;
    }
    if (mentionedAt === undefined || now - mentionedAt >= REPEAT_AFTER_MS) {
      watched.mentionedAt = now;
      const removedAfterMs = removeDeadAfterMs === 0 ? 'never' : removeDeadAfterMs;
      const message =
        mentionedAt === undefined ? 'health: member is silent' : 'health: member is still silent';
      logger.warn(message, { server, silentMs, removedAfterMs });
    }
    if (removeDeadAfterMs === 0 || silentMs < removeDeadAfterMs) return false;
    if (now - watched.since < newMemberGraceMs) return false;
    const reason = this.#objectionTo(member);
    if (reason === undefined) return this.#remove(server, silentMs);
    if (reason !== watched.objection) {
      logger.warn('health: silent member cannot be removed', { server, silentMs, reason });
    }
    watched.objection = reason;
    return false;
  }

  /** Returns false while another change is under way. The next tick tries again. */
  #remove(server: ServerId, silentMs: number): boolean {
    const { core, logger } = this.#parts;
    const result = core.proposeConfiguration(withoutMember(core.configuration, server));
    if (result.kind === 'refused') return false;
    logger.warn('health: silent member is removed', { server, silentMs });
    return true;
  }

  #objectionTo({ server, role }: Member): string | undefined {
    if (role !== 'voter') return undefined;
    const { self, silentAfterMs, minVoters } = this.#options;
    const isAlive = (other: ServerId): boolean =>
      other === self || (this.#silentMs(other) ?? silentAfterMs) < silentAfterMs;
    const rest = votersWithout(this.#parts.core.configuration, server, isAlive);
    if (rest.total < minVoters) {
      return `that would leave ${rest.total} voters, fewer than -min-voters ${minVoters}`;
    }
    return rest.canCommit ? undefined : 'the rest could not agree on it';
  }

  /** Undefined for a server that this leader sends nothing. */
  #silentMs(server: ServerId): number | undefined {
    const progress = this.#parts.core.progressOf(server);
    return progress && progress.ticksSinceContact * this.#options.tickMs;
  }
}
