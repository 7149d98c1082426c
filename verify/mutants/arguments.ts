// The command line of `npm run sim:mutants`.

import { CommandOptions, flag, integer, text } from '../kit/command-options.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1_000;

const OPTIONS = new CommandOptions('npm run sim:mutants', {
  only: text({ value: 'ID,...', about: 'these mutants (all)' }),
  rotate: integer({ value: 'N', about: 'N of the mutants, others every turn', min: 1 }),
  turn: integer({ value: 'N', about: 'which turn (the day)' }),
  seconds: integer({
    value: 'N',
    about: 'how long the simulator, then the explorer, may look for each mutant',
    min: 1,
    max: 3_600,
    default: 20,
  }),
  jobs: integer({ value: 'N', about: 'mutants side by side', min: 1, max: 64, default: 1 }),
  list: flag('only print the catalogue'),
});

export type MutantArguments = ReturnType<typeof parseArguments>;

/** Throws CodedError `usage`. The turn is the day of `nowMs` when none is given. */
export function parseArguments(given: readonly string[], nowMs: number) {
  const { only, rotate, turn = Math.floor(nowMs / MS_PER_DAY), seconds, jobs, list } = OPTIONS.parse(given);
  if (only !== undefined && rotate !== undefined) throw OPTIONS.error('give --only or --rotate, not both');
  return { isList: list, only: only?.split(','), rotate, turn, seconds, jobs };
}
