import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from './crc32.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One bit at a time, straight from the definition. */
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
      // What stands behind the end does not count.
      expect(crc32(whole, 0, first.length)).toBe(crc32(first));
    }),
  );
});
