// What a mutant is: a bug that somebody could have made, as a small change of one source file.

import { CodedError } from '../../src/shared/coded-error.ts';

/** A row of docs/raft-traps.md by its number, or another part of the product that has rules of its own. */
export type Subject =
  | number
  | 'elections'
  | 'commit'
  | 'membership'
  | 'snapshots'
  | 'storage'
  | 'codec'
  | 'farm';

export interface Edit {
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** In kebab-case; what is wrong in two to five words. */
  readonly id: string;
  readonly subject: Subject;
  /** From the project's root. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** One sentence: the bug that this puts in. */
  readonly bug: string;
}

/** The file's text with the bug in it. Throws CodedError `mutant_outdated` when the text is no longer as it was. */
export function mutated(mutant: Mutant, text: string): string {
  let result = text;
  for (const { find, replace } of mutant.edits) {
    const parts = result.split(find);
    if (parts.length !== 2) {
      throw new CodedError(
        'mutant_outdated',
        `the code has moved on: what mutant ${mutant.id} replaces stands ${parts.length - 1} times in ` +
          `${mutant.file}. Bring the mutant up to date:\n${find}`,
      );
    }
    result = parts.join(replace);
  }
  return result;
}
