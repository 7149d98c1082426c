// Flags as Go's `flag` package reads them: `-id x`, `--id x`, `-id=x`; a bool takes a value only after `=`.
// `util.parseArgs` cannot read them: to it `-id` is the flags -i and -d.

import { CodedError } from '../shared/coded-error.ts';

export interface FlagDefinition {
  readonly name: string;
  /** Stands for the value in the usage text, such as `address`. Empty for a bool. */
  readonly placeholder: string;
  /** The value of a flag that is not given; empty when there is none. */
  readonly defaultValue: string;
  /** A sentence without a full stop at its end. */
  readonly help: string;
}

export type FlagValues = ReadonlyMap<string, string>;

const TRUE_WORDS = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE_WORDS = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Go's ErrHelp: `-h` or `-help` came before any mistake. */
export const HELP_ASKED = 'help';

/**
 * Returns the given values by flag name, or HELP_ASKED. A bool is `true` or `false`. The last value of a
 * repeated flag counts. Throws CodedError `usage` at the first mistake. There are no positional arguments.
 */
export function parseGoFlags(
  args: readonly string[],
  definitions: readonly FlagDefinition[],
): FlagValues | typeof HELP_ASKED {
  const known = new Map(definitions.map((definition) => [definition.name, definition]));
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--' && at === args.length - 1) break;
    const { name, inline } = splitFlag(argument);
    const definition = known.get(name);
    if (definition === undefined) {
      if (name === 'h' || name === 'help') return HELP_ASKED;
      throw usageError(`there is no flag -${name}`, name);
    }
    if (definition.placeholder === '') {
      values.set(name, readBool(name, inline ?? 'true'));
    } else if (inline !== undefined) {
      values.set(name, inline);
    } else {
      at += 1;
      const value = args[at];
      if (value === undefined) throw usageError(`-${name} needs a value`, name);
      values.set(name, value);
    }
  }
  return values;
}

/** Makes a CodedError `usage` for a mistake on the command line, with the flag at fault if there is one. */
export function usageError(message: string, flag?: string): CodedError {
  return new CodedError('usage', message, flag === undefined ? {} : { fields: { flag } });
}

function splitFlag(argument: string): { name: string; inline: string | undefined } {
  const match = /^--?(?<name>[^-=][^=]*)(?:=(?<inline>.*))?$/s.exec(argument);
  const name = match?.groups?.name;
  if (name === undefined) {
    const isFlag = argument.startsWith('-') && argument !== '-' && argument !== '--';
    throw usageError(isFlag ? `bad flag syntax: ${argument}` : `unexpected argument "${argument}"`);
  }
  return { name, inline: match?.groups?.inline };
}

function readBool(name: string, word: string): string {
  if (TRUE_WORDS.has(word)) return 'true';
  if (FALSE_WORDS.has(word)) return 'false';
  throw usageError(`-${name} is true or false, not "${word}"`, name);
}

/** Formats the flags as an aligned list, in the order of their definition. */
export function formatFlags(definitions: readonly FlagDefinition[]): string {
  const heads = definitions.map(({ name, placeholder }) => `  -${name} ${placeholder}`.trimEnd());
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return definitions
    .map(({ help, defaultValue }, at) => {
      const note = defaultValue === '' ? '' : ` (default ${defaultValue})`;
      const [first = '', ...more] = wrap(`${help}${note}`, 100 - width);
      const head = (heads[at] ?? '').padEnd(width);
      return [head + first, ...more.map((line) => ' '.repeat(width) + line)].join('\n');
    })
    .join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
