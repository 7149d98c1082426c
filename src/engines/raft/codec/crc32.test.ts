import zlib from 'node:zlib';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { crc32, crc32Between, crc32InBlock, leaveLongChecksumsTo } from './crc32.ts';

afterEach(() => leaveLongChecksumsTo(undefined));

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The definition: one bit at a time. */
function slowCrc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test.each([
  ['', 0],
  ['123456789', 0xcbf43926],
  ['The quick brown fox jumps over the lazy dog', 0x414fa339],
])('the checksum of %j is the published one', (text, checksum) => {
  expect(crc32(ascii(text))).toBe(checksum);
});

test('every length and content agrees with the definition', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(crc32(bytes)).toBe(slowCrc32(bytes));
    }),
  );
});

test('a checksum can be taken in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 64 }), (first, second) => {
      const whole = new Uint8Array([...first, ...second]);
      expect(crc32(second, crc32(first))).toBe(crc32(whole));
    }),
  );
});

test('the checksum of a part equals that of a copy of the part', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), fc.nat(64), (bytes, from, length) => {
      const start = Math.min(from, bytes.length);
      const end = Math.min(start + length, bytes.length);
      const expected = slowCrc32(bytes.subarray(start, end));
      expect(crc32Between(bytes, start, end)).toBe(expected);
      // The same block again, and another block in the same memory.
      expect(crc32InBlock(bytes, start, end)).toBe(expected);
      expect(crc32InBlock(bytes, start, end)).toBe(expected);
      expect(crc32InBlock(bytes.subarray(start), 0, end - start)).toBe(expected);
    }),
  );
});

test('the platform computes the same checksum of long bytes', () => {
  const lengths: number[] = [];
  leaveLongChecksumsTo((bytes, seed) => {
    lengths.push(bytes.length);
    return zlib.crc32(bytes, seed);
  });
  lengths.length = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1_000, maxLength: 5_000 }), fc.nat(), (bytes, seed) => {
      expect(crc32(bytes, seed)).toBe(crc32Between(bytes, 0, bytes.length, seed));
    }),
  );
  expect(lengths.length).toBeGreaterThan(50);
  crc32(new Uint8Array(100));
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1_000);
});

test('a platform with another checksum is refused', () => {
  expect(() => leaveLongChecksumsTo((bytes) => bytes.length)).toThrow('another checksum');
});
