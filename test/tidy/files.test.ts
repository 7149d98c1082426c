import { describe, expect, test } from 'vitest';
import { sourceFiles } from '../../verify/kit/source-files.ts';

const FILES = sourceFiles(['src', 'test', 'verify', 'scripts'], ['.ts', '.mjs', '.sh']);
const MAX_LINES = 400;

describe('every file', () => {
  test(`is one idea, of at most ${MAX_LINES} lines`, () => {
    const long = FILES.filter(({ text }) => text.split('\n').length - 1 > MAX_LINES).map(({ name }) => name);
    expect(long).toEqual([]);
  });

  test('has no mark of unfinished work', () => {
    const marks = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].map((mark) => `\\b${mark}\\b`).join('|'),
    );
    const marked = FILES.filter(({ text }) => marks.test(text)).map(({ name }) => name);
    expect(marked).toEqual([]);
  });

  test('skips no test and singles none out', () => {
    const tampered = FILES.filter(({ name }) => name.endsWith('.ts') && name !== 'verify/kit/needs-root.ts')
      .filter(({ text }) => /\b(?:test|it|describe)\.(?:skip|only|todo|skipIf|runIf)\b/.test(text))
      .map(({ name }) => name);
    expect(tampered).toEqual([]);
  });

  test('has a name in kebab-case', () => {
    const odd = FILES.map(({ name }) => name).filter(
      (name) => !/^[a-z0-9/-]+(?:\.[a-z0-9-]+)*\.(?:ts|mjs|sh)$/.test(name),
    );
    expect(odd).toEqual([]);
  });
});
