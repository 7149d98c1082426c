// The command line of `npm run fuzz`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { readOptions, usageError } from '../kit/command-options.ts';

export const TARGETS = ['http', 'transport', 'disk', 'flags'] as const;
export type TargetName = (typeof TARGETS)[number];

export interface FuzzArguments {
  /** When the run ends: after so long, or when each target has had so many cases. */
  readonly budget:
    | { readonly kind: 'time'; readonly ms: number }
    | { readonly kind: 'cases'; readonly cases: number };
  readonly seed: number;
  readonly targets: readonly TargetName[];
  /** One idea alone, by its name; undefined: all ideas of the targets. */
  readonly idea: string | undefined;
}

export const USAGE = `Usage: npm run fuzz -- [options]
  --minutes N     how long it goes on, such as 10 or 0.5 (1)
  --cases N       instead of --minutes: about so many cases of each target
  --seed S        what the cases are drawn from (the time)
  --only TARGETS  comma-separated: http, transport, disk, flags (all of them)
  --idea NAME     one idea of a target alone, as the report names it`;

const NAMES = new Set(['--minutes', '--cases', '--seed', '--only', '--idea']);
const DEFAULT_MINUTES = '1';
const MAX_MINUTES = 24 * 60;
const MS_PER_MINUTE = 60_000;

/** Throws CodedError `usage`. `defaultSeed` is for a run that gives none. */
export function parseArguments(given: readonly string[], defaultSeed: number): FuzzArguments {
  const values = readOptions(given, { names: NAMES, usage: USAGE });
  const seed = values.get('--seed') ?? `${defaultSeed}`;
  if (!/^\d{1,10}$/.test(seed)) throw usage('--seed is a whole number of at most ten digits');
  return {
    budget: readBudget(values),
    seed: Number(seed),
    targets: readTargets(values.get('--only')),
    idea: values.get('--idea'),
  };
}

function readBudget(values: ReadonlyMap<string, string>): FuzzArguments['budget'] {
  const cases = values.get('--cases');
  if (cases !== undefined) {
    if (values.has('--minutes')) throw usage('give --minutes or --cases, not both');
    if (!/^[1-9]\d{0,8}$/.test(cases)) throw usage('--cases is a whole number from 1 to 999999999');
    return { kind: 'cases', cases: Number(cases) };
  }
  const text = values.get('--minutes') ?? DEFAULT_MINUTES;
  const minutes = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || minutes <= 0 || minutes > MAX_MINUTES) {
    throw usage(`--minutes is a number above 0 and up to ${MAX_MINUTES}`);
  }
  return { kind: 'time', ms: minutes * MS_PER_MINUTE };
}

function readTargets(text: string | undefined): readonly TargetName[] {
  if (text === undefined) return TARGETS;
  const names = new Set(text.split(','));
  const known = TARGETS.filter((name) => names.delete(name));
  if (names.size > 0 || known.length === 0) throw usage(`--only takes ${TARGETS.join(', ')}`);
  return known;
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
