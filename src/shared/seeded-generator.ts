// A small deterministic generator of random numbers (xoshiro128**, Blackman and Vigna 2018).

/** The source of randomness of pure code, which must not use Math.random. */
export interface Random {
  /** Returns an integer, 0 ≤ n < 2³². */
  nextUint32(): number;
  /** Returns an integer, 0 ≤ n < bound. `bound` is 1 to 2³². */
  below(bound: number): number;
  /** Returns true with the given probability, 0 to 1. */
  chance(probability: number): boolean;
}

/** For tests: a run is repeated by its seed. */
export class SeededGenerator implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is any safe integer. splitmix32 spreads it over the state. Equal seeds give equal numbers. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  nextUint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled;
  }

  below(bound: number): number {
    return Math.floor((this.nextUint32() / 0x1_0000_0000) * bound);
  }

  chance(probability: number): boolean {
    return this.nextUint32() < probability * 0x1_0000_0000;
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
