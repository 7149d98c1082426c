// Hashes by which checkers compare values that they do not keep (FNV-1a, 32 bits, twice with different
// starts).

const PRIME = 0x01000193;
const START = 0x811c9dc5;
const OTHER_START = 0x2b992ddf;

/** Returns a 53-bit hash, chained to `seed`. Two different texts of one run do not collide in practice. */
export function hashText(text: string, seed = 0): number {
  let a = START ^ seed;
  let b = OTHER_START ^ (seed / 0x20_0000);
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, PRIME);
    b = Math.imul(b ^ unit, PRIME) ^ (b >>> 13);
  }
  return combined(a, b);
}

export function hashBytes(bytes: Uint8Array): number {
  let a = START;
  let b = OTHER_START;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, PRIME);
    b = Math.imul(b ^ byte, PRIME) ^ (b >>> 13);
  }
  return combined(a, b);
}

function combined(a: number, b: number): number {
  return (a >>> 0) * 0x20_0000 + ((b >>> 0) & 0x1f_ffff);
}
