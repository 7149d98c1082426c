/** Waits that double up to a bound, with jitter: nodes that lost one peer together must not dial it in step. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  /** `random` gives numbers from 0 to below 1. */
  constructor({ minMs, maxMs, random }: { minMs: number; maxMs: number; random: () => number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = minMs;
  }

  /** How long to wait now: from half of the current step to all of it. */
  nextDelayMs(): number {
    const stepMs = this.#nextMs;
    this.#nextMs = Math.min(stepMs * 2, this.#maxMs);
    return stepMs * (1 - this.#random() / 2);
  }

  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
