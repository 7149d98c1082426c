// The command line of `npm run sim:mutants`.

import { CodedError } from '../src/shared/coded-error.ts';

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
const DEFAULT_SECONDS = 20;
const MAX_SECONDS = 3_600;
const MAX_JOBS = 64;
const MS_PER_DAY = 24 * 60 * 60 * 1_000;

/** Throws CodedError `usage`. `nowMs` chooses the turn when none is given. */
export function parseArguments(given: readonly string[], nowMs: number): MutantArguments {
  const values = readValues(given.filter((text) => text !== '--list'));
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

function readValues(given: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < given.length; at += 2) {
    const [name, value] = [given[at] ?? '', given[at + 1]];
    if (name !== '--only' && !NUMBERS.some((known) => known === name))
      throw usage(`there is no option ${name}`);
    if (value === undefined) throw usage(`${name} needs a value`);
    values.set(name, value);
  }
  return values;
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
  return new CodedError('usage', `${problem}\n${USAGE}`);
}
