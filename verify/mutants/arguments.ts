// The command line of `npm run sim:mutants`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { readOptions, usageError } from '../kit/command-options.ts';

export interface MutantArguments {
  /** Only print the catalogue. */
  readonly isList: boolean;
  /** Ids; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** How many are run, a different part of them every turn; undefined: all. */
  readonly rotate: number | undefined;
  readonly turn: number;
  /** How long the simulator, and then the explorer, may look for each. */
  readonly seconds: number;
  readonly jobs: number;
}

export const USAGE = `Usage: npm run sim:mutants -- [options]
  --only ID[,ID]  these mutants (all)
  --rotate K      K of them, other ones every turn
  --turn N        which turn (the day)
  --seconds N     how long the simulator looks for each (20)
  --jobs N        mutants side by side (1)
  --list          only say which there are`;

const NUMBERS = ['--rotate', '--turn', '--seconds', '--jobs'] as const;
const NAMES = new Set(['--only', ...NUMBERS]);
const DEFAULT_SECONDS = 20;
const MAX_SECONDS = 3_600;
const MAX_JOBS = 64;
const MS_PER_DAY = 24 * 60 * 60 * 1_000;

/** Throws CodedError `usage`. `nowMs` chooses the turn when none is given. */
export function parseArguments(given: readonly string[], nowMs: number): MutantArguments {
  const values = readOptions(
    given.filter((text) => text !== '--list'),
    { names: NAMES, usage: USAGE },
  );
  const [rotate, turn, seconds, jobs] = NUMBERS.map((name) => readInteger(values, name));
  const only = values.get('--only')?.split(',');
  if (only !== undefined && rotate !== undefined) throw usage('--only and --rotate are two ways to choose');
  if (rotate === 0) throw usage('--rotate is 1 or more');
  return {
    isList: given.includes('--list'),
    only,
    rotate,
    turn: turn ?? Math.floor(nowMs / MS_PER_DAY),
    seconds: within('--seconds', seconds ?? DEFAULT_SECONDS, MAX_SECONDS),
    jobs: within('--jobs', jobs ?? 1, MAX_JOBS),
  };
}

function readInteger(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = values.get(name);
  if (text !== undefined && !/^\d{1,9}$/.test(text)) throw usage(`${name} is a whole number`);
  return text === undefined ? undefined : Number(text);
}

function within(name: string, value: number, most: number): number {
  if (value < 1 || value > most) throw usage(`${name} is 1 to ${most}`);
  return value;
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
