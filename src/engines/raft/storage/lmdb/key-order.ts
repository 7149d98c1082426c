// The two orders of keys in a data file. Keys are compared inside a larger buffer, without a copy or a view.

/** Returns a negative number when the first key is before the second, 0 when they are equal. */
export type CompareKeys = (
  bytes: Uint8Array,
  start: number,
  end: number,
  otherBytes: Uint8Array,
  otherStart: number,
  otherEnd: number,
) => number;

/** The order of rows: byte by byte, and a key before those that it is a prefix of. */
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

/** The order of the free list: little-endian transaction numbers. A key of another length is damage. */
export const compareIntegers: CompareKeys = (bytes, start, end, otherBytes, otherStart, otherEnd) => {
  const length = end - start;
  if (length !== otherEnd - otherStart) return length - (otherEnd - otherStart);
  for (let at = length - 1; at >= 0; at--) {
    const difference = (bytes[start + at] as number) - (otherBytes[otherStart + at] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};
