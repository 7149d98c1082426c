// 64-bit hashes of texts and of multisets of texts, and a compact set of such hashes.

/** 64 bits as two unsigned words. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

/**
 * Uses two independent streams of multiply-and-xor (MurmurHash3 constants), each finished by an avalanche.
 */
export function hashText(text: string): Hash {
  let high = 0x9747b28c;
  let low = 0x3c6ef372;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0xcc9e2d51);
    high ^= high >>> 15;
    low = Math.imul(low ^ unit, 0x1b873593);
    low ^= low >>> 13;
  }
  return { high: avalanche(high ^ low), low: avalanche(low + Math.imul(high, 0x9e3779b1)) };
}

export function avalanche(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const INITIAL_CAPACITY = 1 << 16;

/** A set of 64-bit hashes at 8 bytes each, at most half full (open addressing). */
export class HashSet {
  #size = 0;
  #words = new Uint32Array(2 * INITIAL_CAPACITY);

  get size(): number {
    return this.#size;
  }

  /** Returns true when the hash is new. */
  add(high: number, low: number): boolean {
    if (2 * (this.#size + 1) > this.#words.length / 2) this.#grow();
    // 0, 0 marks a free slot.
    const isNew = place(this.#words, high, high === 0 && low === 0 ? 1 : low);
    if (isNew) this.#size += 1;
    return isNew;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      const [high, low] = [old[at] ?? 0, old[at + 1] ?? 0];
      if (high !== 0 || low !== 0) place(this.#words, high, low);
    }
  }
}

function place(words: Uint32Array, high: number, low: number): boolean {
  const mask = words.length / 2 - 1;
  for (let slot = (low & mask) >>> 0; ; slot = (slot + 1) & mask) {
    const at = 2 * slot;
    if (words[at] === high && words[at + 1] === low) return false;
    if (words[at] !== 0 || words[at + 1] !== 0) continue;
    words[at] = high;
    words[at + 1] = low;
    return true;
  }
}
