import { describe, expect, test } from 'vitest';
import { HashSet, hashText } from './hashing.ts';

describe('hashes of texts', () => {
  test('differ for texts that differ little, in each half', () => {
    const hashes = Array.from({ length: 10_000 }, (_, n) => hashText(`state ${n}`));
    expect(new Set(hashes.map(({ high, low }) => `${high} ${low}`)).size).toBe(10_000);
    // Of 10,000 random words of 32 bits hardly ever are two equal.
    expect(new Set(hashes.map(({ high }) => high)).size).toBeGreaterThan(9_990);
    expect(new Set(hashes.map(({ low }) => low)).size).toBeGreaterThan(9_990);
  });
});

describe('a set of hashes', () => {
  test('knows what is in it, also after it has grown', () => {
    const set = new HashSet();
    const numbers = Array.from({ length: 100_000 }, (_, n) => n);
    expect(numbers.filter((n) => !set.add(n % 7, n))).toEqual([]);
    expect(numbers.filter((n) => set.add(n % 7, n))).toEqual([]);
    expect(set.size).toBe(100_000);
  });
});
