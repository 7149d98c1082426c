// Joins and removals, on the leader. Each takes a few steps that wait for a commit (dissertation §4). Several
// may wait; the core allows one configuration change at a time.

import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import type { Participant } from '../participant.ts';
import { MemberAddition } from './member-addition.ts';
import { done, findNode, type MemberChangeParts, refused, type StepResult } from './member-change-step.ts';
import { stepRemoval } from './member-removal.ts';

/** Bound on the joins and removals that wait for their turn. */
export const MAX_WAITING_CHANGES = 16;

interface Running {
  readonly key: string;
  readonly change: MemberChange;
  readonly startedAt: number;
  readonly done: (outcome: MemberChangeOutcome) => void;
  /** Continues the change if it can. */
  readonly step: (hasProposed: boolean) => StepResult;
  /** Whether a configuration of this change is in the log, committed or not. */
  hasProposed: boolean;
}

export class MemberChanges implements Participant {
  readonly #parts: MemberChangeParts;
  #waiting: Running[] = [];

  constructor(parts: MemberChangeParts) {
    this.#parts = parts;
  }

  /**
   * Begins a change on the leader. `done` is called once, possibly inside the call, when the change is
   * committed or cannot be. `key` names the request: a repetition of one that is under way is ignored.
   */
  begin(key: string, change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    if (this.#waiting.some((running) => running.key === key)) return;
    if (this.#waiting.length >= MAX_WAITING_CHANGES) {
      done(refused('too_busy', 'too many joins and removals are waiting; try again in a few seconds'));
      return;
    }
    const startedAt = this.#parts.clock.now();
    this.#waiting.push({ key, change, startedAt, done, step: this.#stepsOf(change), hasProposed: false });
    this.onTick();
  }

  #stepsOf(change: MemberChange): Running['step'] {
    if (change.kind === 'remove') return (hasProposed) => stepRemoval(this.#parts, change.node, hasProposed);
    const addition = new MemberAddition(this.#parts, change, () => this.onTick());
    return () => addition.step();
  }

  /** Continues every change that can. */
  onTick(): void {
    for (const running of [...this.#waiting]) {
      // An answer may cause a tick inside this one.
      if (!this.#waiting.includes(running)) continue;
      const outcome = this.#outcomeOf(running);
      if (outcome === undefined) continue;
      this.#waiting = this.#waiting.filter((other) => other !== running);
      running.done(outcome);
    }
  }

  #outcomeOf(running: Running): MemberChangeOutcome | undefined {
    const { core, clock, timeoutMs } = this.#parts;
    if (core.role !== 'leader') return this.#outcomeAfterLeading(running);
    const result = running.step(running.hasProposed);
    if (result === 'proposed') running.hasProposed = true;
    else if (result !== undefined) return result;
    return clock.now() - running.startedAt >= timeoutMs ? { kind: 'unknown' } : undefined;
  }

  /** A leader that was removed itself handed over when that was committed, so its removal is done. */
  #outcomeAfterLeading({ change, hasProposed }: Running): MemberChangeOutcome {
    if (!hasProposed) return { kind: 'no-leader' };
    const isGone = findNode(this.#parts.core.committedConfiguration, change.node) === undefined;
    return change.kind === 'remove' && isGone ? done(this.#parts, 'removed') : { kind: 'unknown' };
  }
}
