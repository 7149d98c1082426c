// The two orders in which a data file has keys, over keys where they lie: no copy, no view.

/** Negative when the first key stands before the second, 0 when they are the same. */
export type CompareKeys = (
  bytes: Uint8Array,
  start: number,
  end: number,
  otherBytes: Uint8Array,
  otherStart: number,
  otherEnd: number,
) => number;

/** Rows: byte by byte, and a key before those that it begins. */
export const compareBytes: CompareKeys = (bytes, start, end, otherBytes, otherStart, otherEnd) => {
  const length = end - start;
  const otherLength = otherEnd - otherStart;
  const shared = Math.min(length, otherLength);
  for (let at = 0; at < shared; at++) {
    const difference = (bytes[start + at] as number) - (otherBytes[otherStart + at] as number);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
};

const INTEGER_BYTES = 8;

/** The free list: transaction numbers, little-endian. A key of another length is damage, which is found elsewhere. */
export const compareIntegers: CompareKeys = (bytes, start, end, otherBytes, otherStart, otherEnd) => {
  if (end - start !== INTEGER_BYTES || otherEnd - otherStart !== INTEGER_BYTES) {
    return compareBytes(bytes, start, end, otherBytes, otherStart, otherEnd);
  }
  for (let at = INTEGER_BYTES - 1; at >= 0; at--) {
    const difference = (bytes[start + at] as number) - (otherBytes[otherStart + at] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};
