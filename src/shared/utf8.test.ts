import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8 } from './utf8.ts';

test('any text is encoded like TextEncoder does, with room around it', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.string({ unit: 'grapheme', maxLength: 600 }),
    // Also surrogates without a partner.
    fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
      .map((units) => String.fromCharCode(...units)),
    fc.string({ unit: fc.constantFrom('a', '/', '\u007f', '\u0080'), minLength: 250, maxLength: 260 }),
  );
  fc.assert(
    fc.property(texts, fc.nat(8), fc.nat(8), (text, before, after) => {
      const encoded = [...new TextEncoder().encode(text)];
      expect(encodeUtf8(text)).toEqual(Uint8Array.from(encoded));
      const zeros = (count: number): number[] => new Array<number>(count).fill(0);
      const within = Uint8Array.from([...zeros(before), ...encoded, ...zeros(after)]);
      expect(encodeUtf8(text, { before, after })).toEqual(within);
    }),
  );
});
