// Options of the project's own commands: pairs of a name and its value, as in `--seed 7`.

import { CodedError } from './coded-error.ts';

/** The value of each option that was given, the last one where it was given twice. Throws CodedError `usage`. */
export function readOptions(
  given: readonly string[],
  { names, usage }: { names: ReadonlySet<string>; usage: string },
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < given.length; at += 2) {
    const [name, value] = [given[at] ?? '', given[at + 1]];
    if (!names.has(name)) throw usageError(`there is no option ${name}`, usage);
    if (value === undefined) throw usageError(`${name} needs a value`, usage);
    values.set(name, value);
  }
  return values;
}

/** What is wrong, and what would be right. */
export function usageError(problem: string, usage: string): CodedError {
  return new CodedError('usage', `${problem}\n${usage}`);
}
