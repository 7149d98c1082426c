// Text from outside: bounded, well-formed, on one line.

import { accepted, type Checked, rejected } from './checked.ts';

export const MAX_NAME_CHARACTERS = 256;
export const MAX_COLOR_CHARACTERS = 64;
export const MAX_FILE_PATH_CHARACTERS = 4_096;

/** Control characters (Cc) break logs and terminals; lone surrogates (Cs) have no UTF-8 form. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;

/** Accepts a string of 1 to `maxCharacters` Unicode code points that is not blank, unchanged. */
export function checkText(value: unknown, maxCharacters: number): Checked<string> {
  if (typeof value !== 'string') return rejected('must be a string');
  if (value.trim() === '') return rejected('must not be empty or blank');
  // A code point is one or two UTF-16 units, so most texts need no count.
  const isLong = value.length > maxCharacters;
  const isTooLong = isLong && (value.length > 2 * maxCharacters || [...value].length > maxCharacters);
  if (isTooLong) return rejected(`must be at most ${maxCharacters} characters long`);
  if (FORBIDDEN.test(value)) {
    return rejected('must be well-formed Unicode without control characters such as line breaks');
  }
  return accepted(value);
}
