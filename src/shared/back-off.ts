/** Delays that double up to a bound, with jitter: nodes that lost the same peer must not retry in step. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  /** `random` returns a number from 0 up to, but not including, 1. */
  constructor({ minMs, maxMs, random }: { minMs: number; maxMs: number; random: () => number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = minMs;
  }

  /** Returns the delay before the next attempt: between half of the current step and all of it. */
  nextDelayMs(): number {
    const stepMs = this.#nextMs;
    this.#nextMs = Math.min(stepMs * 2, this.#maxMs);
    return stepMs * (1 - this.#random() / 2);
  }

  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
