// The command line of `npm run sim`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { readOptions, usageError } from '../kit/command-options.ts';

export interface SimulatorArguments {
  /** Seeds `first` to `last`; `last` is undefined when time alone ends the run. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly minutes: number | undefined;
  readonly jobs: number;
  readonly durationMs: number | undefined;
  readonly faults: readonly number[] | undefined;
  /** Lines of the trace that are shown of a failure. */
  readonly traceLines: number;
}

export const USAGE = `Usage: npm run sim -- [options]
  --seed S        one seed
  --seeds A-B     seeds A to B
  --minutes N     fresh seeds for so long (the default: one minute)
  --jobs N        processes side by side (1)
  --duration MS   simulated time of faults in one run
  --faults 1,5,7  only these faults of the seed's plan (what shrinking found; 'none' for none)
  --trace N       lines of the trace to show of a failure (60)`;

const DEFAULT_MINUTES = 1;
const DEFAULT_TRACE_LINES = 60;
const MAX_JOBS = 64;

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]): SimulatorArguments {
  const values = readOptions(given, { names: NAMES, usage: USAGE });
  const range = readRange(values.get('--seeds'));
  const seed = readInteger(values, '--seed');
  const first = seed ?? range?.first;
  const last = seed ?? range?.last;
  const minutes = readInteger(values, '--minutes') ?? (first === undefined ? DEFAULT_MINUTES : undefined);
  const jobs = readInteger(values, '--jobs') ?? 1;
  if (jobs < 1 || jobs > MAX_JOBS) throw usage(`--jobs must be 1 to ${MAX_JOBS}`);
  return {
    first,
    last,
    minutes,
    jobs,
    durationMs: readInteger(values, '--duration'),
    faults: readFaults(values.get('--faults')),
    traceLines: readInteger(values, '--trace') ?? DEFAULT_TRACE_LINES,
  };
}

const NAMES = new Set(['--seed', '--seeds', '--minutes', '--jobs', '--duration', '--faults', '--trace']);

function readRange(text: string | undefined): { first: number; last: number } | undefined {
  if (text === undefined) return undefined;
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (first === undefined || last === undefined || Number(first) > Number(last)) {
    throw usage('--seeds is written as two numbers, as in 1-100');
  }
  return { first: Number(first), last: Number(last) };
}

function readInteger(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw usage(`${name} is a whole number`);
  return Number(text);
}

function readFaults(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  if (text === 'none') return [];
  if (!/^\d+(?:,\d+)*$/.test(text)) throw usage("--faults is a list of numbers, as in 1,5,7, or 'none'");
  return text.split(',').map(Number);
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
