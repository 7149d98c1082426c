// Options of the project's own commands: pairs of a name and its value, as in `--seed 7`.

import { CodedError } from '../../src/shared/coded-error.ts';

/** How a command ends that was called in a way that it does not know. */
export const EXIT_USAGE = 2;

/** What a command needs of the process that it is: Node's own `process` fits. */
export interface CommandProcess {
  readonly argv: readonly string[];
  readonly stderr: { write(text: string): unknown };
  exit(code: number): never;
}

/** What this process was called with, as `parse` reads it. A CodedError `usage` is told, and ends the process. */
export function readCommandLine<T>(process: CommandProcess, parse: (given: readonly string[]) => T): T {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'usage') throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(EXIT_USAGE);
  }
}

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
