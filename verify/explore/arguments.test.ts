import { describe, expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

describe('the command line of the explorer', () => {
  test('has a default for every option', () => {
    expect(parseArguments([])).toMatchObject({ servers: 3, depth: 40, budget: { crashes: 1, changes: 0 } });
  });

  test('accepts each bound', () => {
    const given = '--servers 2 --depth 7 --crashes 2 --proposals 3 --drops 4 --seconds 5 --config-change';
    expect(parseArguments(given.split(' '))).toMatchObject({
      servers: 2,
      depth: 7,
      seconds: 5,
      budget: { crashes: 2, proposals: 3, drops: 4, changes: 1 },
    });
  });

  test.each([['--servers 4'], ['--depth'], ['--depth x'], ['--nothing 1']])('refuses %s', (given) => {
    expect(() => parseArguments(given.split(' '))).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
