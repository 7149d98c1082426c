// Weights are integer milligrams inside, so that no sum ever drifts; grams with up to three decimals outside.

import { accepted, type Checked, rejected } from './checked.ts';

export const MAX_WEIGHT_GRAMS = 1_000_000_000;
export const MAX_WEIGHT_MILLIGRAMS = MAX_WEIGHT_GRAMS * 1_000;

/**
 * Grams as a JSON number, 0 to MAX_WEIGHT_GRAMS, as milligrams.
 *
 * A double holds every such weight apart from its neighbours (10¹² < 2⁵³), and dividing an integer by 1,000 rounds to
 * the same double as parsing its decimal text: so the number is a whole count of milligrams exactly when it survives
 * the way there and back.
 */
export function checkGrams(value: unknown): Checked<number> {
  if (typeof value !== 'number' || !Number.isFinite(value)) return rejected('must be a number of grams');
  if (value < 0) return rejected('must not be negative');
  if (value > MAX_WEIGHT_GRAMS) return rejected(`must be at most ${MAX_WEIGHT_GRAMS} grams`);
  const milligrams = Math.round(value * 1_000);
  if (milligrams / 1_000 !== value) return rejected('must have at most three decimals');
  // Math.round(-0) is -0, which JSON would not give back.
  return accepted(milligrams === 0 ? 0 : milligrams);
}

/** As checkGrams, and more than nothing. */
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
