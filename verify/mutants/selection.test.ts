import { describe, expect, test } from 'vitest';
import type { Mutant } from './mutant.ts';
import { only, rotated } from './selection.ts';

const CATALOGUE = Array.from({ length: 7 }, (_, at): Mutant => {
  return { id: `m${at}`, subject: 'farm', file: 'src/farm/x.ts', edits: [], bug: '' };
});
const ids = (mutants: readonly Mutant[]): string[] => mutants.map(({ id }) => id);

describe('the choice of mutants', () => {
  test('by id keeps the order of the catalogue, and refuses an unknown id', () => {
    expect(ids(only(CATALOGUE, ['m3', 'm1']))).toEqual(['m1', 'm3']);
    expect(() => only(CATALOGUE, ['m3', 'm9'])).toThrow('there is no mutant m9');
  });

  test.each([1, 2, 3, 7, 9])('by turns of at most %i takes each mutant once in a round', (count) => {
    const turns = Math.ceil(CATALOGUE.length / count);
    const taken = Array.from({ length: turns }, (_, turn) =>
      rotated(CATALOGUE, { count, turn: turn + 20 * turns }),
    );
    for (const mutants of taken) expect(mutants.length).toBeLessThanOrEqual(count);
    expect(
      taken
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids(CATALOGUE));
  });
});
