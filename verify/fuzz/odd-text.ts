// Texts that often break programs.

import fc from 'fast-check';

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\n',
  '\r\nX-Injected: 1',
  '\u001b[31mred',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\ufeff',
  '\ufeffa',
  '\u200b',
  '\u202eabc',
  'א\u05d1',
  'e\u0301',
  `a${'\u0301'.repeat(50)}`,
  '\ud83d\ude00',
  '\ud83d',
  '\ude00\ud83d',
  '\uffff',
  'İ',
  'ß',
  'ﬀ',
  'K',
  '.',
  '..',
  '../..',
  '/',
  '//',
  '\\',
  '%',
  '%00',
  '%2e%2e',
  '?a=b',
  '#',
  '&',
  '+',
  '"',
  "'",
  '<script>',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'true',
  'NaN',
  '-0',
  '1e400',
  '0x10',
  '١٢',
  '007',
  '9007199254740993',
] as const;

/** Mostly short texts of any UTF-16, lone surrogates included. */
export const oddTexts: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.nat({ max: 0xffff }), { maxLength: 8 })
      .map((units) => String.fromCharCode(...units)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', 'é', '\ud83d\ude00', ' ', '\u0301', '9'),
        fc.constantFrom(63, 64, 65, 128, 129, 256, 257, 300),
      )
      .map(([unit, times]) => unit.repeat(times)),
  },
);

/** Texts at and above the limits of the API. */
export const longTexts: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('a', '1', '.', ' ', '-', 'é', '\ud83d\ude00'),
    fc.constantFrom(1_000, 4_096, 4_097, 20_000, 100_000),
  )
  .map(([unit, times]) => unit.repeat(times));

/** Numbers as JSON texts, including ones that no double represents. */
export const numberTexts: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '-0.0',
      '0.0',
      '0e0',
      '1',
      '-1',
      '0.001',
      '0.0005',
      '0.0001',
      '1.0005',
      '999.999',
      '1e3',
      '1E+3',
      '15e-1',
    ],
    ...[
      '1e400',
      '-1e400',
      '1e-400',
      '5e-324',
      '1.7976931348623157e308',
      '1e21',
      '1e9',
      '1000000000',
      '1000000000.001',
    ],
    ...[
      '9007199254740991',
      '9007199254740992',
      '9007199254740993',
      '-9007199254740992',
      '0.30000000000000004',
    ],
    ...['00', '01', '+1', '.5', '1.', 'NaN', 'Infinity', '-Infinity', '0x10', '1_000', '--1', '1e', '1n'],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.nat({ max: 2_000_000 }).map((milligrams) => String(milligrams / 1_000)),
);
