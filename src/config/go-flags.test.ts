import { describe, expect, test } from 'vitest';
import { CodedError } from '../shared/coded-error.ts';
import { type FlagDefinition, formatFlags, HELP_ASKED, parseGoFlags } from './go-flags.ts';

const DEFINITIONS: readonly FlagDefinition[] = [
  ['id', 'name', '', 'The id'],
  ['raft', 'address', ':7000', 'The address'],
  ['clean', '', '', 'Wipe'],
];

function parse(...args: string[]): Record<string, string> | typeof HELP_ASKED {
  const values = parseGoFlags(args, DEFINITIONS);
  return values === HELP_ASKED ? values : Object.fromEntries(values);
}

function mistake(...args: string[]): string {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'usage') return error.message;
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}

describe('flags in the manner of Go', () => {
  test('a value follows its flag or an equals sign, after one dash or two', () => {
    for (const args of [['-id', 'x'], ['--id', 'x'], ['-id=x'], ['--id=x']]) {
      expect(parse(...args)).toEqual({ id: 'x' });
    }
  });

  test('a value may contain equals signs, be empty, begin with a dash or span lines', () => {
    expect(parse('-id=a=b')).toEqual({ id: 'a=b' });
    expect(parse('-id=')).toEqual({ id: '' });
    expect(parse('-id', '')).toEqual({ id: '' });
    expect(parse('-id', '-h')).toEqual({ id: '-h' });
    expect(parse('-id=a\nb')).toEqual({ id: 'a\nb' });
  });

  test('a bool without a value is true, and may be given a value after an equals sign', () => {
    expect(parse('-clean')).toEqual({ clean: 'true' });
    for (const word of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
      expect(parse(`--clean=${word}`)).toEqual({ clean: 'true' });
    }
    for (const word of ['0', 'f', 'F', 'false', 'FALSE', 'False']) {
      expect(parse(`-clean=${word}`)).toEqual({ clean: 'false' });
    }
  });

  test('a bool does not take the next argument as its value', () => {
    expect(mistake('-clean', 'false')).toBe('unexpected argument "false"');
    expect(parse('-clean', '-id', 'x')).toEqual({ clean: 'true', id: 'x' });
  });

  test('the last value of a repeated flag counts', () => {
    expect(parse('-id', 'a', '--id=b')).toEqual({ id: 'b' });
  });

  test('-h and -help ask for help at the place of any flag, unless a mistake comes first', () => {
    for (const flag of ['-h', '--h', '-help', '--help']) expect(parse(flag)).toBe(HELP_ASKED);
    expect(parse('-id', 'x', '-h', '-nonsense')).toBe(HELP_ASKED);
    expect(mistake('-nonsense', '-h')).toBe('there is no flag -nonsense');
  });

  test('a -- is accepted as the last argument only', () => {
    expect(parse('-id', 'x', '--')).toEqual({ id: 'x' });
    expect(mistake('--', 'x')).toBe('unexpected argument "--"');
  });

  test('each mistake has a message of its own', () => {
    expect(mistake('-port', '1')).toBe('there is no flag -port');
    expect(mistake('-id')).toBe('-id needs a value');
    expect(mistake('-clean=yes')).toBe('-clean is true or false, not "yes"');
    expect(mistake('node1')).toBe('unexpected argument "node1"');
    expect(mistake('')).toBe('unexpected argument ""');
    expect(mistake('-')).toBe('unexpected argument "-"');
    expect(mistake('---id', 'x')).toBe('bad flag syntax: ---id');
    expect(mistake('-=x')).toBe('bad flag syntax: -=x');
  });

  test('a name that every JavaScript object has is not a flag', () => {
    expect(mistake('-constructor', 'x')).toBe('there is no flag -constructor');
    expect(mistake('-__proto__=x')).toBe('there is no flag -__proto__');
  });

  test('the list of flags is aligned and shows the defaults', () => {
    expect(formatFlags(DEFINITIONS)).toBe(
      [
        '  -id name       The id',
        '  -raft address  The address (default :7000)',
        '  -clean         Wipe',
      ].join('\n'),
    );
  });
});
