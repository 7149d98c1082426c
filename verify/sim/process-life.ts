// One run of one process, until it crashes or is stopped. Every event of a process belongs to its life:
// events of a dead life are dropped, events of a paused one wait.

import { assert } from '../../src/shared/assert.ts';

export interface SimulatedEvent {
  atMs: number;
  /** Events of one moment run in the order in which they were scheduled. */
  sequence: number;
  /** The process that the event belongs to; undefined for the world outside. */
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
   * Ends the process. It may end in the middle of a step: the rest of that step has no effect, because every
   * port checks `isAlive` first.
   */
  end(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#backlog = [];
    for (const handler of this.#endHandlers) handler();
  }

  /** Makes the process die at its `calls`th port call from now, before that call has an effect. */
  dieAtCall(calls: number): void {
    this.#callsLeft = calls;
  }

  /** Every port call with an effect asks this first: false means that the process dies at this call. */
  survivesCall(): boolean {
    if (this.#isAlive && this.#callsLeft !== undefined) {
      this.#callsLeft -= 1;
      if (this.#callsLeft <= 0) this.end();
    }
    return this.#isAlive;
  }

  /** Registers a handler with which a port releases what it holds for the process. */
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

  /** Returns the events that waited, in order: late timers, queued messages, finished writes. */
  resume(): readonly SimulatedEvent[] {
    this.#isPaused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    return backlog;
  }
}
