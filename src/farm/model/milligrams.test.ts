import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkGrams,
  checkPositiveGrams,
  gramsFromMilligrams,
  MAX_WEIGHT_GRAMS,
  MAX_WEIGHT_MILLIGRAMS,
} from './milligrams.ts';

test('every weight with up to three decimals survives the conversion in and out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_WEIGHT_MILLIGRAMS }), (milligrams) => {
      const text = `${Math.floor(milligrams / 1_000)}.${String(milligrams % 1_000).padStart(3, '0')}`;
      expect(checkGrams(JSON.parse(text))).toEqual({ ok: true, value: milligrams });
      expect(gramsFromMilligrams(milligrams)).toBe(JSON.parse(text));
    }),
  );
});

test('a fourth decimal is refused, small or large', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: MAX_WEIGHT_GRAMS - 1 }),
      fc.integer({ min: 1, max: 9_999 }).filter((tenThousandths) => tenThousandths % 10 !== 0),
      (grams, tenThousandths) => {
        const text = `${grams}.${String(tenThousandths).padStart(4, '0')}`;
        expect(checkGrams(JSON.parse(text))).toMatchObject({ ok: false });
      },
    ),
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -0.001, MAX_WEIGHT_GRAMS + 1, 1e300, '5', null, undefined])(
  '%s is not a weight',
  (value) => expect(checkGrams(value)).toMatchObject({ ok: false }),
);

test('0 is a weight, but not a positive one, and -0 is 0', () => {
  expect(checkGrams(0)).toEqual({ ok: true, value: 0 });
  expect(checkGrams(-0)).toEqual({ ok: true, value: 0 });
  expect(checkPositiveGrams(0)).toMatchObject({ ok: false });
  expect(checkPositiveGrams(0.001)).toEqual({ ok: true, value: 1 });
});
