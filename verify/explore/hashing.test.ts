import { describe, expect, test } from 'vitest';
import { HashSet, hashText } from './hashing.ts';

describe('hashes of texts', () => {
  test('differ in each half for similar texts', () => {
    const hashes = Array.from({ length: 10_000 }, (_, n) => hashText(`state ${n}`));
    expect(new Set(hashes.map(({ high, low }) => `${high} ${low}`)).size).toBe(10_000);
    // Hardly any two of 10,000 random 32-bit words are equal.
    expect(new Set(hashes.map(({ high }) => high)).size).toBeGreaterThan(9_990);
    expect(new Set(hashes.map(({ low }) => low)).size).toBeGreaterThan(9_990);
  });
});

describe('a set of hashes', () => {
  test('contains the added hashes, also after it has grown', () => {
    const set = new HashSet();
    const numbers = Array.from({ length: 100_000 }, (_, n) => n);
    expect(numbers.filter((n) => !set.add(n % 7, n))).toEqual([]);
    expect(numbers.filter((n) => set.add(n % 7, n))).toEqual([]);
    expect(set.size).toBe(100_000);
  });
});
