// Joins and removals, on the leader. Each takes a few steps that wait for a commit (dissertation §4). Several
// may wait; the core allows one configuration change at a time.

import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import type { Participant } from '../participant.ts';
import { MemberAddition } from './member-addition.ts';
import {
  done as doneOutcome,
  findNode,
  type MemberChangeOptions,
  type MemberChangePorts,
  type MemberChangeSteps,
  refused,
} from './member-change-step.ts';
import { MemberRemoval } from './member-removal.ts';

/** Bound on the joins and removals that wait for their turn. */
export const MAX_WAITING_CHANGES = 16;

interface Running {
  readonly key: string;
  readonly change: MemberChange;
  readonly steps: MemberChangeSteps;
  readonly startedAt: number;
  readonly done: (outcome: MemberChangeOutcome) => void;
}

export class MemberChanges implements Participant {
  readonly #ports: MemberChangePorts;
  readonly #options: MemberChangeOptions;
  #waiting: Running[] = [];

  constructor(ports: MemberChangePorts, options: MemberChangeOptions) {
    this.#ports = ports;
    this.#options = options;
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
    const startedAt = this.#ports.clock.now();
    this.#waiting.push({ key, change, steps: this.#stepsOf(change), startedAt, done });
    this.onTick();
  }

  #stepsOf(change: MemberChange): MemberChangeSteps {
    if (change.kind === 'remove') return new MemberRemoval(this.#ports, this.#options, change.node);
    return new MemberAddition(this.#ports, this.#options, { change, onProbed: () => this.onTick() });
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
    const { core, clock } = this.#ports;
    if (core.role !== 'leader') return this.#outcomeAfterLeading(running);
    const outcome = running.steps.step();
    if (outcome !== undefined) return outcome;
    return clock.now() - running.startedAt >= this.#options.timeoutMs ? { kind: 'unknown' } : undefined;
  }

  /** A leader that was removed itself handed over when that was committed, so its removal is done. */
  #outcomeAfterLeading({ change, steps }: Running): MemberChangeOutcome {
    if (!steps.hasProposed) return { kind: 'no-leader' };
    const isGone = findNode(this.#ports.core.committedConfiguration, change.node) === undefined;
    if (change.kind === 'remove' && isGone) {
      return doneOutcome(this.#ports, { self: this.#options.self, role: 'removed' });
    }
    return { kind: 'unknown' };
  }
}
