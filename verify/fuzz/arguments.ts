// The command line of `npm run fuzz`.

import { CommandOptions, integer, list, minutes, text } from '../kit/command-options.ts';

export const TARGETS = ['http', 'transport', 'disk', 'flags'] as const;
export type TargetName = (typeof TARGETS)[number];

const MS_PER_MINUTE = 60_000;
const MAX_CASES = 999_999_999;
const MAX_SEED = 9_999_999_999;

const OPTIONS = new CommandOptions('npm run fuzz', {
  minutes: minutes({ value: 'N', about: 'how long it runs, such as 10 or 0.5 (1)' }),
  cases: integer({
    value: 'N',
    about: 'instead of --minutes: about N cases of each target',
    min: 1,
    max: MAX_CASES,
  }),
  seed: integer({ value: 'S', about: 'seed of the cases (the time)', max: MAX_SEED }),
  only: list(TARGETS, 'these targets'),
  idea: text({ value: 'NAME', about: 'one idea of a target, named as in the report (all)' }),
});

export interface FuzzArguments {
  /** The run ends after this time, or when each target has had this number of cases. */
  readonly budget:
    | { readonly kind: 'time'; readonly ms: number }
    | { readonly kind: 'cases'; readonly cases: number };
  readonly seed: number;
  readonly targets: readonly TargetName[];
  /** Undefined: all ideas of the targets. */
  readonly idea: string | undefined;
}

/** Throws CodedError `usage`. `defaultSeed` is used when no seed is given. */
export function parseArguments(given: readonly string[], defaultSeed: number): FuzzArguments {
  const { minutes, cases, seed = defaultSeed, only: targets = TARGETS, idea } = OPTIONS.parse(given);
  if (cases === undefined) {
    return { budget: { kind: 'time', ms: (minutes ?? 1) * MS_PER_MINUTE }, seed, targets, idea };
  }
  if (minutes !== undefined) throw OPTIONS.error('give --minutes or --cases, not both');
  return { budget: { kind: 'cases', cases }, seed, targets, idea };
}
