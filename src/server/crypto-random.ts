// The Random port over the operating system's generator.
// Identities must never repeat, and nodes must draw different time-outs.

import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../shared/seeded-generator.ts';

export class CryptoRandom implements Random {
  nextUint32(): number {
    return randomInt(0x1_0000_0000);
  }

  below(bound: number): number {
    return randomInt(bound);
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
