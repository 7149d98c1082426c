// A mutant: a plausible bug, as a small change of one source file.

import { CodedError } from '../../src/shared/coded-error.ts';

/** A row of docs/raft-traps.md by its number, or a part of the product with its own rules. */
type Subject = number | 'elections' | 'commit' | 'membership' | 'snapshots' | 'storage' | 'codec' | 'farm';

interface Edit {
  /** A text that occurs in the file exactly once. Keep it short and without comments: prose changes often. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** The bug in two to five words, in kebab-case. */
  readonly id: string;
  readonly subject: Subject;
  /** A path from the project's root. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** One sentence that states the bug. */
  readonly bug: string;
}

/**
 * Returns the file's text with the bug in it. Throws CodedError `mutant_outdated` where an edit does not fit.
 */
export function mutated(mutant: Mutant, text: string): string {
  let result = text;
  for (const { find, replace } of mutant.edits) {
    const parts = result.split(find);
    if (parts.length !== 2) {
      throw new CodedError(
        'mutant_outdated',
        `mutant ${mutant.id} is outdated: the text that it replaces occurs ${parts.length - 1} times in ` +
          `${mutant.file}. Update the mutant:\n${find}`,
      );
    }
    result = parts.join(replace);
  }
  return result;
}
