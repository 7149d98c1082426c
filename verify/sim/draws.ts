// What a simulation draws from its seed, beyond single numbers.

import { assert, present } from '../../src/shared/assert.ts';
import { type Random, SeededGenerator } from '../../src/shared/seeded-generator.ts';

/** One stream of random decisions. Every part of a simulation has its own, so that one does not shift another's. */
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

  /** A stream of its own, for a part or for one start of a process. */
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

  /** Waiting times of independent events that come every `mean` on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  pick<T>(choices: readonly T[]): T {
    assert(choices.length > 0, 'there is something to pick from');
    // `as T`: the index is in range, and T may itself have undefined in it.
    return choices[this.#random.below(choices.length)] as T;
  }

  /** `count` different members of `choices` (all of them, if there are fewer), in random order. */
  sample<T>(choices: readonly T[], count: number): T[] {
    const rest = [...choices];
    const taken: T[] = [];
    while (taken.length < count && rest.length > 0) {
      taken.push(...rest.splice(this.#random.below(rest.length), 1));
    }
    return taken;
  }

  /** One key of `weights`, each as likely as its weight; weights of 0 never. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const choices = Object.entries(weights) as [K, number][];
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
    assert(total > 0, 'something must be possible');
    let left = this.fraction() * total;
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return present(choices.findLast(([, weight]) => weight > 0)?.[0], 'the total is positive');
  }
}
