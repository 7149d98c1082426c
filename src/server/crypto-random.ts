// The Random port over the operating system's generator.
// Identities must never repeat, and nodes must draw different time-outs.

import { randomBytes } from 'node:crypto';
import type { Random } from '../shared/seeded-generator.ts';

const POOL_BYTES = 1_024;

export class CryptoRandom implements Random {
  #pool = randomBytes(POOL_BYTES);
  #offset = 0;

  nextUint32(): number {
    if (this.#offset + 4 > POOL_BYTES) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#offset = 0;
    }
    const value = this.#pool.readUInt32BE(this.#offset);
    this.#offset += 4;
    return value;
  }

  below(bound: number): number {
    return Math.floor((this.nextUint32() / 0x1_0000_0000) * bound);
  }

  chance(probability: number): boolean {
    return this.nextUint32() < probability * 0x1_0000_0000;
  }
}

/** Returns a version 7 UUID (RFC 9562 §5.7): later ids sort later. */
export function mintId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
