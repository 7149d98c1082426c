// Selects the mutants of one run.

import { CodedError } from '../../src/shared/coded-error.ts';
import type { Mutant } from './mutant.ts';

/**
 * Returns the mutants with these ids, in the catalogue's order. Throws CodedError `usage` for an unknown id.
 */
export function only(catalogue: readonly Mutant[], ids: readonly string[]): Mutant[] {
  const unknown = ids.filter((id) => !catalogue.some((mutant) => mutant.id === id));
  if (unknown.length > 0) {
    throw new CodedError('usage', `there is no mutant ${unknown.join(', ')}: --list names them`);
  }
  return catalogue.filter((mutant) => ids.includes(mutant.id));
}

/**
 * Returns at most `count` mutants for this turn. A round of turns takes every mutant once. Neighbours in the
 * catalogue, which are much alike, fall into different turns.
 */
export function rotated(
  catalogue: readonly Mutant[],
  { count, turn }: { count: number; turn: number },
): Mutant[] {
  const turns = Math.ceil(catalogue.length / count);
  return catalogue.filter((_, at) => at % turns === turn % turns);
}
