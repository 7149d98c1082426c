// The command line of `npm run bench`.

import { CommandOptions, flag, integer, list, text } from '../kit/command-options.ts';

export const PARTS = [
  'writes',
  'reads',
  'forwarded',
  'stages',
  'failover',
  'elections',
  'growth',
  'large',
] as const;
export type PartName = (typeof PARTS)[number];
/** The parts that two checkouts are compared by. */
const COMPARED_PARTS = ['writes', 'reads'] as const;

const MAX_SECONDS = 600;
const MAX_FARM_JOBS = 10_000_000;

const OPTIONS = new CommandOptions('npm run bench', {
  full: flag('all parts, repeated: about 45 minutes (5 without)'),
  only: list(PARTS, 'these parts'),
  seconds: integer({
    value: 'N',
    about: 'length of each measurement (10 with --full, else 3)',
    min: 1,
    max: MAX_SECONDS,
  }),
  jobs: integer({
    value: 'N',
    about: 'print jobs of the large farm (1,000,000 with --full, else 20,000)',
    min: 1,
    max: MAX_FARM_JOBS,
  }),
  farm: integer({
    value: 'N',
    about: 'no measurement: runs a farm with N print jobs until Ctrl-C',
    min: 1,
    max: MAX_FARM_JOBS,
  }),
  against: text({
    value: 'DIR',
    about: `compares with another built checkout of this project (${COMPARED_PARTS.join(', ')}); no etcd`,
  }),
  output: text({
    value: 'FILE',
    about: 'with --against: the file for the report, which is otherwise only printed',
  }),
});

/** `parts` are in the order of PARTS. `seconds` and `jobs` are undefined where --full decides. */
export type BenchArguments = ReturnType<typeof parseArguments>;

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]) {
  const { full, only, seconds, jobs, farm, against, output } = OPTIONS.parse(given);
  if (output !== undefined && against === undefined) throw OPTIONS.error('--output goes with --against');
  const possible: readonly PartName[] = against === undefined ? PARTS : COMPARED_PARTS;
  const unfit = only?.find((part) => !possible.includes(part));
  if (unfit !== undefined) throw OPTIONS.error(`the part '${unfit}' compares no checkouts`);
  return { isFull: full, parts: only ?? possible, seconds, jobs, farmJobs: farm, against, output };
}
