// Flags as Go's `flag` package reads them: `-id x`, `--id x`, `-id=x`; a bool takes a value only after `=`.
// `util.parseArgs` cannot read them: to it `-id` is the flags -i and -d.

import { CodedError } from '../shared/coded-error.ts';

/**
 * The placeholder stands for the value in the usage text, such as `address`; a bool has none. The default is
 * empty when there is none. The help is a sentence without a full stop at its end.
 */
export type FlagDefinition = readonly [name: string, placeholder: string, defaultValue: string, help: string];

export type FlagValues = ReadonlyMap<string, string>;

const TRUE_WORDS = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE_WORDS = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);
const MAX_LINE_CHARACTERS = 100;

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
  const placeholders = new Map(definitions.map(([name, placeholder]) => [name, placeholder]));
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--' && at === args.length - 1) break;
    const { name, inline } = splitFlag(argument);
    const placeholder = placeholders.get(name);
    if (placeholder === undefined) {
      if (name === 'h' || name === 'help') return HELP_ASKED;
      throw usageError(`there is no flag -${name}`, name);
    }
    const value = placeholder === '' ? readBool(name, inline) : (inline ?? args[++at]);
    if (value === undefined) throw flagError(name, 'needs a value');
    values.set(name, value);
  }
  return values;
}

/** Makes a CodedError `usage` for a mistake on the command line, with the flag at fault if there is one. */
export function usageError(message: string, flag?: string): CodedError {
  return new CodedError('usage', message, flag === undefined ? {} : { fields: { flag } });
}

/** Makes a CodedError `usage` whose message begins with the flag. */
export function flagError(flag: string, message: string): CodedError {
  return usageError(`-${flag} ${message}`, flag);
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

function readBool(name: string, word = 'true'): string {
  if (TRUE_WORDS.has(word)) return 'true';
  if (FALSE_WORDS.has(word)) return 'false';
  throw flagError(name, `is true or false, not "${word}"`);
}

/** Formats the flags as an aligned list, in the order of their definition. */
export function formatFlags(definitions: readonly FlagDefinition[]): string {
  const heads = definitions.map(([name, placeholder]) => `  -${name} ${placeholder}`.trimEnd());
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const helpLine = new RegExp(`.{1,${MAX_LINE_CHARACTERS - width}}(?: |$)`, 'g');
  return definitions
    .map(([, , defaultValue, help], at) => {
      const note = defaultValue === '' ? '' : ` (default ${defaultValue})`;
      const lines = `${help}${note}`.match(helpLine) ?? [];
      const text = lines.map((line) => line.trimEnd()).join(`\n${' '.repeat(width)}`);
      return `${(heads[at] ?? '').padEnd(width)}${text}`;
    })
    .join('\n');
}
