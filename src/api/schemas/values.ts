// Values that several schemas share. A `title` makes a schema a component of the OpenAPI document.

import { Type } from 'typebox';

/** Well-formed Unicode without control characters, and not blank. */
const TEXT_PATTERN = '^[^\\p{Cc}\\p{Cs}]*[^\\s\\p{Cc}\\p{Cs}][^\\p{Cc}\\p{Cs}]*$';
const MAX_ID_CHARACTERS = 128;
const MAX_GRAMS = 1_000_000_000;

/** Objects of requests: an unknown field is refused. */
export const EXACT = { additionalProperties: false } as const;

interface Words {
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

export function text(maxLength: number, words: Words) {
  return Type.String({ minLength: 1, maxLength, pattern: TEXT_PATTERN, ...words });
}

/** No URL can name `.` and `..`. */
const ID = {
  minLength: 1,
  maxLength: MAX_ID_CHARACTERS,
  pattern: TEXT_PATTERN,
  not: { enum: ['.', '..'] },
};

export function id(words: Words) {
  return Type.String({ ...ID, ...words });
}

/** An id in a request body may be an integer, which is kept as its decimal string. */
export function idOrInteger(words: Words) {
  const bounds = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
  return Type.Unsafe<string | number>({ type: ['string', 'integer'], ...ID, ...bounds, ...words });
}

export function grams(words: Words) {
  return Type.Number({ minimum: 0, maximum: MAX_GRAMS, ...words });
}

export function positiveGrams(words: Words) {
  return Type.Number({ exclusiveMinimum: 0, maximum: MAX_GRAMS, ...words });
}

export function countOrNull(words: Words) {
  return Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, ...words });
}
