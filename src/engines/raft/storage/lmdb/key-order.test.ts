import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CompareKeys, compareBytes, compareIntegers } from './key-order.ts';

const bytes = fc.uint8Array({ maxLength: 6 });

/** Compares two keys inside larger buffers. */
function compare(order: CompareKeys, a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [Buffer.concat([Buffer.of(9), a, b]), Buffer.concat([Buffer.of(1, 2, 3), b, a])];
  return Math.sign(order(left, 1, 1 + a.length, right, 3, 3 + b.length));
}

test('rows are ordered by their bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(6), (a, b, shared) => {
      const begun = Buffer.concat([a.subarray(0, shared), b]);
      expect(compare(compareBytes, a, b)).toBe(Buffer.compare(a, b));
      expect(compare(compareBytes, a, begun)).toBe(Buffer.compare(a, begun));
      expect(compare(compareBytes, a, a)).toBe(0);
    }),
  );
});

test('transactions are ordered by their numbers', () => {
  const numbers = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const [left, right] = [Buffer.alloc(8), Buffer.alloc(8)];
      left.writeBigUInt64LE(a);
      right.writeBigUInt64LE(b);
      expect(compare(compareIntegers, left, right)).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});
