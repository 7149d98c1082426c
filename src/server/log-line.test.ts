import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { plainLine, RESERVED_FIELDS } from './log-line.ts';

const HEAD = '{"level":"info"';

/** What pino writes for the same line, without time and node. */
function linesOfPino(): { write(message: string, fields: object): string } {
  let written = '';
  const lines = pino(
    { base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => (written = line) },
  );
  return {
    write: (message, fields) => {
      lines.info(fields, message);
      return written;
    },
  };
}

describe('a plain line', () => {
  test('is what pino would write, whatever the text, numbers and truth values', () => {
    const reference = linesOfPino();
    const aName = fc
      .string({ minLength: 1 })
      .filter((name) => !RESERVED_FIELDS.has(name) && name !== '__proto__');
    const aValue = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(null, undefined, 1.234, Number.NaN),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.dictionary(aName, aValue), (message, fields) => {
        const line = plainLine(HEAD, message, fields);
        expect(JSON.parse(line ?? '')).toEqual(JSON.parse(reference.write(message, fields)));
        expect(line?.indexOf('\n')).toBe((line?.length ?? 0) - 1);
      }),
    );
  });

  test.each([
    ['an error', { error: new Error('x') }],
    ['an object', { a: {} }],
    ['a list', { a: [] }],
    ['a function', { a: () => 1 }],
    ['a big integer', { a: 1n }],
    ['a field that every line has', { time: 1 }],
  ])('is none with %s', (_what, fields) => {
    expect(plainLine(HEAD, 'x', fields)).toBe(undefined);
  });
});
