import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import type { Mutant } from './mutant.ts';
import { TypeCheck } from './validity.ts';

const types = new TypeCheck(PROJECT_ROOT);

function quorumMutant(find: string, replace: string): Mutant {
  return {
    id: 'q',
    subject: 9,
    file: 'src/engines/raft/core/quorum.ts',
    edits: [{ find, replace }],
    bug: '',
  };
}

describe('a mutant', () => {
  const find = 'return Math.floor(count / 2) + 1;';

  test.each([
    ['breaks a type', find, "return '2';"],
    ['does not parse', find, 'return ('],
    [
      'breaks a type of a file that imports it',
      'export function majority(count: number): number',
      'export function majority(count: string, n = Number(count)): number',
    ],
  ])('that %s is refused', (_, text, replace) => {
    expect(() => types.check(quorumMutant(text, replace))).toThrow(
      /mutant q breaks a type of src\/engines\/raft\/core\/quorum.ts/,
    );
  });

  test('that leaves something unused is a program', () => {
    expect(() => types.check(quorumMutant(find, 'return 1;'))).not.toThrow();
  });
});
