// Unsigned integers as big-endian bytes, so that the order of the bytes is the order of the numbers.

/** Writes `value` into the bytes `from` ≤ position < `to`. */
export function writeBigEndian(
  bytes: Uint8Array,
  { from, to, value }: { from: number; to: number; value: number },
): void {
  let rest = value;
  for (let at = to - 1; at >= from; at--) {
    bytes[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
}

export function readBigEndian(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 0x100 + (bytes[at] ?? 0);
  return value;
}
