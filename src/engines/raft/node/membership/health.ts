// The leader watches every member, and removes one that stays silent for too long.

import type { Logger } from '../../../../shared/logger.ts';
import { type Member, type ServerId, withoutMember } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import { votersWithout } from './removal.ts';

/** Pause between two log lines about a member that stays silent. */
const REPEAT_AFTER_MS = 30_000;

/** The part of the core that the watch uses. */
type HealthCore = Pick<RaftCore, 'role' | 'configuration' | 'progressOf' | 'proposeConfiguration'>;

export interface HealthOptions {
  readonly self: ServerId;
  readonly tickMs: number;
  /** Silence after which the log mentions a member. */
  readonly silentAfterMs: number;
  /** Silence after which a member is removed, or 0 for never. */
  readonly removeDeadAfterMs: number;
  readonly newMemberGraceMs: number;
  readonly minVoters: number;
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
  readonly #core: HealthCore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: HealthOptions;
  readonly #watched = new Map<ServerId, Watched>();

  constructor(ports: { core: HealthCore; clock: Clock; logger: Logger }, options: HealthOptions) {
    this.#core = ports.core;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#options = options;
    // The members at the start are not new.
    const since = ports.clock.now() - options.newMemberGraceMs;
    for (const { server } of ports.core.configuration.members) this.#watch(server, since);
  }

  /** Looks at every member, until a removal is proposed. */
  onTick(): void {
    const now = this.#clock.now();
    this.#forgetStrangers();
    for (const { server } of this.#core.configuration.members) this.#watch(server, now);
    if (this.#core.role !== 'leader') return;
    for (const member of this.#core.configuration.members) {
      if (member.server !== this.#options.self && this.#look(member, now)) return;
    }
  }

  #watch(server: ServerId, since: number): void {
    if (this.#watched.has(server)) return;
    this.#watched.set(server, { since, mentionedAt: undefined, objection: undefined });
  }

  #forgetStrangers(): void {
    const members = new Set(this.#core.configuration.members.map((member) => member.server));
    for (const server of this.#watched.keys()) {
      if (!members.has(server)) this.#watched.delete(server);
    }
  }

  /** Returns true when the removal of the member was proposed. */
  #look(member: Member, now: number): boolean {
    const { server } = member;
    const watched = this.#watched.get(server);
    const progress = this.#core.progressOf(server);
    if (watched === undefined || progress === undefined) return false;
    const silentMs = progress.ticksSinceContact * this.#options.tickMs;
    if (silentMs < this.#options.silentAfterMs) {
      if (watched.mentionedAt !== undefined) this.#logger.info('health: member is back', { server });
      watched.mentionedAt = undefined;
      watched.objection = undefined;
      return false;
    }
    this.#mention(server, { watched, silentMs, now });
    return this.#maybeRemove(member, { watched, silentMs, now });
  }

  #mention(server: ServerId, seen: { watched: Watched; silentMs: number; now: number }): void {
    const { watched, silentMs, now } = seen;
    const isFirst = watched.mentionedAt === undefined;
    if (!isFirst && now - (watched.mentionedAt ?? now) < REPEAT_AFTER_MS) return;
    watched.mentionedAt = now;
    const removedAfterMs = this.#options.removeDeadAfterMs;
    this.#logger.warn(isFirst ? 'health: member is silent' : 'health: member is still silent', {
      server,
      silentMs,
      removedAfterMs: removedAfterMs === 0 ? 'never' : removedAfterMs,
    });
  }

  #maybeRemove(member: Member, seen: { watched: Watched; silentMs: number; now: number }): boolean {
    const { removeDeadAfterMs, newMemberGraceMs } = this.#options;
    const { watched, silentMs, now } = seen;
    if (removeDeadAfterMs === 0 || silentMs < removeDeadAfterMs) return false;
    if (now - watched.since < newMemberGraceMs) return false;
    const objection = this.#objectionTo(member);
    if (objection === undefined) {
      const result = this.#core.proposeConfiguration(withoutMember(this.#core.configuration, member.server));
      if (result.kind === 'appended') {
        this.#logger.warn('health: silent member is removed', { server: member.server, silentMs });
        return true;
      }
      // Another change is under way. The next tick tries again.
      return false;
    }
    if (objection !== watched.objection) {
      this.#logger.warn('health: silent member cannot be removed', {
        server: member.server,
        silentMs,
        reason: objection,
      });
    }
    watched.objection = objection;
    return false;
  }

  #objectionTo(member: Member): string | undefined {
    if (member.role !== 'voter') return undefined;
    const { minVoters } = this.#options;
    const rest = votersWithout(this.#core.configuration, member.server, (server) => this.#isAlive(server));
    if (rest.total < minVoters) {
      return `that would leave ${rest.total} voters, fewer than -min-voters ${minVoters}`;
    }
    return rest.canCommit ? undefined : 'the rest could not agree on it';
  }

  #isAlive(server: ServerId): boolean {
    if (server === this.#options.self) return true;
    const progress = this.#core.progressOf(server);
    if (progress === undefined) return false;
    return progress.ticksSinceContact * this.#options.tickMs < this.#options.silentAfterMs;
  }
}
