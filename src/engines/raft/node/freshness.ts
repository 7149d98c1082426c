// When this node last knew its state to be current.

import type { Clock } from './ports/clock.ts';

export class Freshness {
  readonly #clock: Clock;
  readonly #currentForMs: number;
  #knownAt: number | undefined;

  /** The state counts as current for `currentForMs` after it was last known to be. */
  constructor(clock: Clock, currentForMs: number) {
    this.#clock = clock;
    this.#currentForMs = currentForMs;
  }

  /** The state is current now. */
  renew(): void {
    this.#knownAt = this.#clock.now();
  }

  /** Milliseconds since the state was last known to be current; undefined when it never was. */
  get ageMs(): number | undefined {
    return this.#knownAt === undefined ? undefined : this.#clock.now() - this.#knownAt;
  }

  get isCurrent(): boolean {
    return (this.ageMs ?? Number.POSITIVE_INFINITY) < this.#currentForMs;
  }
}
