// Command-line options of the verification tools. Each tool declares its options in one table.

import { parseArgs } from 'node:util';
import { CodedError } from '../../src/shared/coded-error.ts';

/** Exit code of a command that was called with options it does not accept. */
export const EXIT_USAGE = 2;

const MAX_MINUTES = 24 * 60;

/** One line of the usage: `value` is the placeholder, such as `N`. */
interface UsageLine<D> {
  readonly value: string;
  readonly about: string;
  /** The value of an option that is not given. */
  readonly default?: D;
}

interface Option<T> extends Partial<UsageLine<T>> {
  readonly about: string;
  /** The predicate of the sentence that refuses a text. */
  readonly must: string;
  /** Returns undefined for a text that is refused. */
  readonly parse: (text: string) => T | undefined;
}

type OptionTable = Readonly<Record<string, Option<unknown>>>;
type OptionValues<T extends OptionTable> = {
  readonly [Name in keyof T]: T[Name] extends Option<infer Value> ? Value : never;
};

/** An option without a value. */
export function flag(about: string): Option<boolean> {
  return { about, default: false, must: 'takes no value', parse: () => undefined };
}

/** A whole number from `min` (0) to `max`. */
export function integer<D extends number | undefined>(
  line: UsageLine<D> & { min?: number; max?: number },
): Option<number | D> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = line;
  const isValid = (number: number) => number >= min && number <= max;
  return numeric(line, { pattern: /^\d{1,16}$/, isValid, must: `is a whole number from ${min} to ${max}` });
}

/** Minutes above 0, such as 0.5, up to a day. */
export function minutes<D extends number | undefined>(line: UsageLine<D>): Option<number | D> {
  const isValid = (number: number) => number > 0 && number <= MAX_MINUTES;
  const must = `is a number above 0 and up to ${MAX_MINUTES}`;
  return numeric(line, { pattern: /^\d+(?:\.\d+)?$/, isValid, must });
}

function numeric<D extends number | undefined>(
  line: UsageLine<D>,
  { pattern, isValid, must }: { pattern: RegExp; isValid: (number: number) => boolean; must: string },
): Option<number | D> {
  const parse = (text: string) => (pattern.test(text) && isValid(Number(text)) ? Number(text) : undefined);
  return { ...line, must, parse };
}

/** A text that `pattern` matches (any but the empty one). `value` is an example of it. */
export function text(line: UsageLine<undefined> & { pattern?: RegExp }): Option<string | undefined> {
  const parse = (text: string) => ((line.pattern ?? /./).test(text) ? text : undefined);
  return { ...line, must: `is written as ${line.value}`, parse };
}

/** One of the texts of `of`. */
export function choice<const C extends string>(line: {
  readonly of: readonly C[];
  readonly about: string;
  readonly default: C;
}): Option<C> {
  const parse = (text: string) => line.of.find((one) => one === text);
  return { ...line, value: line.of.join('|'), must: `is one of ${line.of.join(', ')}`, parse };
}

/** Some of the texts of `of`, separated by commas and returned in the order of `of`. */
export function list<const I extends string>(
  of: readonly I[],
  about: string,
): Option<readonly I[] | undefined> {
  const names: readonly string[] = of;
  const parse = (text: string) => {
    const given = text.split(',');
    return given.every((name) => names.includes(name))
      ? of.filter((name) => given.includes(name))
      : undefined;
  };
  const must = `is a list of ${of.join(', ')}`;
  return { value: 'NAME,...', about: `${about}: ${of.join(', ')} (all)`, must, parse };
}

export class CommandOptions<const T extends OptionTable> {
  readonly #command: string;
  readonly #table: T;

  /** `command` is printed in the usage, such as `npm run sim`. */
  constructor(command: string, table: T) {
    this.#command = command;
    this.#table = table;
  }

  /** Parses the words after the command. The last value wins where an option is repeated. Throws `usage`. */
  parse(given: readonly string[]): OptionValues<T> {
    const texts = this.#split(given);
    const values = Object.entries(this.#table).map(([name, option]) => {
      const text = texts[name];
      if (typeof text !== 'string') return [name, text ?? option.default];
      const value = option.parse(text);
      if (value === undefined) throw this.error(`--${name} ${option.must}`);
      return [name, value];
    });
    return Object.fromEntries(values) as OptionValues<T>;
  }

  #split(given: readonly string[]): Readonly<Record<string, unknown>> {
    const types = Object.entries(this.#table).map(([name, { value }]) => {
      return [name, { type: value === undefined ? ('boolean' as const) : ('string' as const) }];
    });
    try {
      return parseArgs({ args: [...given], options: Object.fromEntries(types) }).values;
    } catch (error) {
      // `parseArgs` puts the problem into the first sentence and its advice into the rest.
      if (error instanceof TypeError) throw this.error(error.message.split(/\.\s/)[0] ?? error.message);
      throw error;
    }
  }

  /** The error for a wrong call: the problem, then the usage. */
  error(problem: string): CodedError {
    const options = Object.entries(this.#table).map(([name, option]) => {
      const isShown = typeof option.default === 'number' || typeof option.default === 'string';
      const about = isShown ? `${option.about} (${option.default})` : option.about;
      return { left: `--${name} ${option.value ?? ''}`, about };
    });
    const width = Math.max(...options.map(({ left }) => left.length));
    const lines = options.map(({ left, about }) => `  ${left.padEnd(width)}  ${about}`);
    return new CodedError('usage', [problem, `Usage: ${this.#command} -- [options]`, ...lines].join('\n'));
  }
}

/** The parts of Node.js's `process` that reading a command line needs. */
interface CommandProcess {
  readonly argv: readonly string[];
  readonly stderr: { write(text: string): unknown };
  exit(code: number): never;
}

/** Parses this process's command line. Prints a CodedError `usage` and ends the process with EXIT_USAGE. */
export function readCommandLine<T>(process: CommandProcess, parse: (given: readonly string[]) => T): T {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'usage') throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(EXIT_USAGE);
  }
}
