import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateBytes, copyBytes } from './allocate-bytes.ts';

test('every piece has the given length, is all 0, and shares no byte with another', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 200 }), (lengths) => {
      const pieces = lengths.map((length, at) => {
        const piece = allocateBytes(length);
        expect(piece).toEqual(new Uint8Array(length));
        return piece.fill(at + 1);
      });
      for (const [at, piece] of pieces.entries()) {
        expect(piece).toEqual(new Uint8Array(lengths[at] ?? 0).fill(at + 1));
      }
    }),
  );
});

test('a copy shares nothing with its source', () => {
  const bytes = new Uint8Array(200).fill(7);
  const copy = copyBytes(bytes);
  bytes.fill(0);
  expect(copy).toEqual(new Uint8Array(200).fill(7));
});
