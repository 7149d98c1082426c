// One start of one process, until it crashes or is stopped. Everything that is to happen inside the process belongs
// to its life: nothing of a crashed one ever happens, what comes to a paused one waits.

import { assert } from '../../src/shared/assert.ts';

export interface SimulatedEvent {
  atMs: number;
  /** Events of one moment happen in the order in which they were scheduled. */
  sequence: number;
  /** In whose process it happens; undefined for the world outside. */
  readonly life: ProcessLife | undefined;
  /** Undefined once cancelled. */
  action: (() => void) | undefined;
}

export class ProcessLife {
  readonly name: string;
  #isAlive = true;
  #isPaused = false;
  #callsLeft: number | undefined;
  #backlog: SimulatedEvent[] = [];
  readonly #endHandlers: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * From now on nothing that this process asks for happens. It may end in the middle of its own step: what the rest of
   * that step computes is without effect, as every port asks `isAlive` first.
   */
  end(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#backlog = [];
    for (const handler of this.#endHandlers) handler();
  }

  /** The process will die at its `calls`th call of a port from now, before that has any effect. */
  dieAtCall(calls: number): void {
    this.#callsLeft = calls;
  }

  /** Every call of a port that has an effect asks first whether the process lives to see it. */
  survivesCall(): boolean {
    if (this.#isAlive && this.#callsLeft !== undefined) {
      this.#callsLeft -= 1;
      if (this.#callsLeft <= 0) this.end();
    }
    return this.#isAlive;
  }

  /** Ports let go of what they hold for the process. */
  onEnd(handler: () => void): void {
    this.#endHandlers.push(handler);
  }

  pause(): void {
    assert(this.#isAlive, 'only a living process can be paused');
    this.#isPaused = true;
  }

  defer(event: SimulatedEvent): void {
    this.#backlog.push(event);
  }

  /** What came meanwhile, in order: late timers, messages that waited in the kernel, finished writes. */
  resume(): readonly SimulatedEvent[] {
    this.#isPaused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    return backlog;
  }
}
