import { expect, test } from 'vitest';
import { checkId, MAX_ID_CHARACTERS } from './identifier.ts';

test.each([
  ['printer1', 'printer1'],
  [7, '7'],
  [-0, '0'],
  [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ['a/b c?#%', 'a/b c?#%'],
  ['__proto__', '__proto__'],
  ['\u{1f9f5}'.repeat(MAX_ID_CHARACTERS), '\u{1f9f5}'.repeat(MAX_ID_CHARACTERS)],
])('%j becomes the id %j', (given, kept) => expect(checkId(given)).toEqual({ ok: true, value: kept }));

test.each([
  '',
  '   ',
  '.',
  '..',
  'a\nb',
  'a\u0000b',
  'a\u009fb',
  '\ud800',
  'x'.repeat(MAX_ID_CHARACTERS + 1),
  '\u{1f9f5}'.repeat(MAX_ID_CHARACTERS + 1),
  1.5,
  2 ** 53,
  Number.NaN,
  true,
  null,
  undefined,
  {},
  ['a'],
])('%j is not an id', (given) => expect(checkId(given)).toMatchObject({ ok: false }));
