// Which mutants one run takes.

import { CodedError } from '../../src/shared/coded-error.ts';
import type { Mutant } from './mutant.ts';

/** Those with these ids, in the catalogue's order. Throws CodedError `usage` for an id that there is not. */
export function only(catalogue: readonly Mutant[], ids: readonly string[]): Mutant[] {
  const unknown = ids.filter((id) => !catalogue.some((mutant) => mutant.id === id));
  if (unknown.length > 0) {
    throw new CodedError('usage', `there is no mutant ${unknown.join(', ')}: --list says which there are`);
  }
  return catalogue.filter((mutant) => ids.includes(mutant.id));
}

/**
 * `count` of them for this turn. Turn after turn all are taken, none twice before each was taken once; neighbours in
 * the catalogue, which are much alike, fall into different turns.
 */
export function rotated(
  catalogue: readonly Mutant[],
  { count, turn }: { count: number; turn: number },
): Mutant[] {
  const turns = Math.ceil(catalogue.length / count);
  return catalogue.filter((_, at) => at % turns === turn % turns);
}
