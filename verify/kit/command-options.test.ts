import { expect, test } from 'vitest';
import { CodedError } from '../../src/shared/coded-error.ts';
import { EXIT_USAGE, readCommandLine, readOptions } from './command-options.ts';

class Ended extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`ended with ${code}`);
    this.code = code;
  }
}

function processWith(...given: string[]) {
  const told: string[] = [];
  return {
    told,
    argv: ['node', 'main.js', ...given],
    stderr: { write: (text: string) => told.push(text) },
    exit: (code: number): never => {
      throw new Ended(code);
    },
  };
}

const parse = (given: readonly string[]): ReadonlyMap<string, string> =>
  readOptions(given, { names: new Set(['--seed']), usage: 'Usage: --seed S' });

test('a command is given what stands behind its own name', () => {
  const process = processWith('--seed', '7');
  expect(readCommandLine(process, parse)).toEqual(new Map([['--seed', '7']]));
  expect(process.told).toEqual([]);
});

test.each([
  [['--fast', '1'], 'there is no option --fast'],
  [['--seed'], '--seed needs a value'],
])('%j ends the command with the code of a wrong call, and what would be right', (given, problem) => {
  const process = processWith(...given);
  expect(() => readCommandLine(process, parse)).toThrow(`ended with ${EXIT_USAGE}`);
  expect(process.told).toEqual([`${problem}\nUsage: --seed S\n`]);
});

test.each([new Error('ours'), new CodedError('store_damaged', 'of the world')])(
  'what is no matter of usage is thrown on: %s',
  (error) => {
    const process = processWith();
    const thrown = (): never => {
      throw error;
    };
    expect(() => readCommandLine(process, thrown)).toThrow(error);
    expect(process.told).toEqual([]);
  },
);
