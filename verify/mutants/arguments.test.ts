import { describe, expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

const NOW_MS = 3.5 * 24 * 60 * 60 * 1_000;

describe('the command line', () => {
  test('without options is every mutant, one after the other; the turn is the day', () => {
    expect(parseArguments([], NOW_MS)).toEqual({
      isList: false,
      only: undefined,
      rotate: undefined,
      turn: 3,
      seconds: 20,
      jobs: 1,
    });
  });

  test('takes every option', () => {
    expect(parseArguments('--list --rotate 2 --turn 9 --seconds 5 --jobs 2'.split(' '), NOW_MS)).toEqual({
      isList: true,
      only: undefined,
      rotate: 2,
      turn: 9,
      seconds: 5,
      jobs: 2,
    });
    expect(parseArguments(['--only', 'a,b'], NOW_MS).only).toEqual(['a', 'b']);
  });

  test.each([
    ['--seconds', '0'],
    ['--seconds', '-1'],
    ['--jobs', '0'],
    ['--rotate', '0'],
    ['--turn', 'today'],
    ['--only', 'a', '--rotate', '1'],
    ['--fast', '1'],
    ['--only'],
  ])('refuses %s %s with the usage', (...given) => {
    expect(() => parseArguments(given, NOW_MS)).toThrow(/Usage: npm run sim:mutants/);
  });
});
