// When this node last knew its state to be current.

import type { RaftCore } from '../core/raft-core.ts';
import type { Participant } from './participant.ts';
import type { Clock } from './ports/clock.ts';

export class Freshness implements Participant {
  readonly #clock: Clock;
  readonly #core: RaftCore;
  readonly #currentForMs: number;
  #knownAt: number | undefined;

  /** The state counts as current for `currentForMs` after it was last known to be. */
  constructor({ clock, core }: { clock: Clock; core: RaftCore }, currentForMs: number) {
    this.#clock = clock;
    this.#core = core;
    this.#currentForMs = currentForMs;
  }

  /** A leader that has committed in its own term is always current. */
  onTick(): void {
    if (this.#core.role === 'leader' && this.#core.isEstablished) this.renew();
  }

  /** Notes that the state is current now. */
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
