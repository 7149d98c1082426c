// Random decisions that tools draw from a seed, beyond single numbers.

import { assert, present } from '../../src/shared/assert.ts';
import { type Random, SeededGenerator } from '../../src/shared/seeded-generator.ts';

/**
 * One stream of random decisions. Each part of a simulation has its own, so that parts do not affect each
 * other.
 */
export class Draws implements Random {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new SeededGenerator(seed);
  }

  nextUint32(): number {
    return this.#random.nextUint32();
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  /** Returns a new stream, for a part of a simulation or for one start of a process. */
  fork(): Draws {
    return new Draws(this.#random.nextUint32());
  }

  /** A real number, 0 ≤ x < 1. */
  fraction(): number {
    return this.#random.nextUint32() / 0x1_0000_0000;
  }

  /** A real number, `from` ≤ x < `to`. */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  /** An integer, `from` ≤ n ≤ `to`. */
  integer(from: number, to: number): number {
    return from + this.#random.below(to - from + 1);
  }

  /** Waiting time between independent events with this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  pick<T>(choices: readonly T[]): T {
    assert(choices.length > 0, 'there is a choice to pick');
    // `as T`: the index is in range, and T may include undefined.
    return choices[this.#random.below(choices.length)] as T;
  }

  /** Returns up to `count` different members of `choices`, in random order. */
  sample<T>(choices: readonly T[], count: number): T[] {
    const rest = [...choices];
    const taken: T[] = [];
    while (taken.length < count && rest.length > 0) {
      taken.push(...rest.splice(this.#random.below(rest.length), 1));
    }
    return taken;
  }

  /** Returns a key of `weights` with a probability proportional to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const choices = Object.entries(weights) as [K, number][];
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
    assert(total > 0, 'a weight is positive');
    let left = this.fraction() * total;
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return present(choices.findLast(([, weight]) => weight > 0)?.[0], 'the total is positive');
  }
}
