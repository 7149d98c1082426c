// Weights. The API has grams with up to three decimals. Inside they are integer milligrams, so no sum drifts.

import { accepted, type Checked, rejected } from './checked.ts';

export const MAX_WEIGHT_GRAMS = 1_000_000_000;
export const MAX_WEIGHT_MILLIGRAMS = MAX_WEIGHT_GRAMS * 1_000;

/**
 * Converts grams, a JSON number from 0 to MAX_WEIGHT_GRAMS, into milligrams.
 *
 * Doubles distinguish all such weights (10¹² < 2⁵³). An integer divided by 1,000 is the same double as its
 * parsed decimal text. So the number is a whole count of milligrams exactly when it survives the conversion
 * there and back.
 */
export function checkGrams(value: unknown): Checked<number> {
  if (typeof value !== 'number' || !Number.isFinite(value)) return rejected('must be a number of grams');
  if (value < 0) return rejected('must not be negative');
  if (value > MAX_WEIGHT_GRAMS) return rejected(`must be at most ${MAX_WEIGHT_GRAMS} grams`);
  const milligrams = Math.round(value * 1_000);
  if (milligrams / 1_000 !== value) return rejected('must have at most three decimals');
  // Math.round(-0) is -0, which JSON does not preserve.
  return accepted(milligrams === 0 ? 0 : milligrams);
}

/** Like checkGrams, and more than 0. */
export function checkPositiveGrams(value: unknown): Checked<number> {
  const checked = checkGrams(value);
  return checked.ok && checked.value === 0 ? rejected('must be more than 0') : checked;
}

export function gramsFromMilligrams(milligrams: number): number {
  return milligrams / 1_000;
}

export function isMilligrams(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_WEIGHT_MILLIGRAMS;
}
