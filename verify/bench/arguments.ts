// The command line of `npm run bench`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { usageError } from '../kit/command-options.ts';

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
export const COMPARED_PARTS = ['writes', 'reads'] as const;
export type ComparedPartName = (typeof COMPARED_PARTS)[number];

export interface BenchArguments {
  /** Every part, long and repeated; otherwise about five minutes. */
  readonly isFull: boolean;
  /** In the order of PARTS. */
  readonly parts: readonly PartName[];
  /** How long each measurement lasts; undefined: as suits the size. */
  readonly seconds: number | undefined;
  /** Print jobs of the large farm; undefined: as suits the size. */
  readonly jobs: number | undefined;
  /** Instead of measuring: a farm of so many print jobs that runs until it is interrupted. */
  readonly farmJobs: number | undefined;
  /** Another checkout, which takes the place of etcd; its directory. */
  readonly against: string | undefined;
  /** The file that the report of a comparison is written to; undefined: it is only printed. */
  readonly output: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]
  --full           everything, repeated: about 45 minutes (five without)
  --only PART,...  these parts of it: ${PARTS.join(', ')}
  --seconds N      how long each measurement lasts (10 with --full, else 3)
  --jobs N         print jobs of the large farm (1,000,000 with --full, else 20,000)
  --farm JOBS      measures nothing: builds a farm of so many print jobs, to be looked at until Ctrl-C
  --against DIR    compares with another built checkout of this project (${COMPARED_PARTS.join(', ')}); no etcd
  --output FILE    with --against: the file for the report, which is otherwise only printed`;

const MAX_SECONDS = 600;
const MAX_FARM_JOBS = 10_000_000;

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]): BenchArguments {
  let isFull = false;
  let parts: readonly PartName[] | undefined;
  let seconds: number | undefined;
  let jobs: number | undefined;
  let farmJobs: number | undefined;
  let against: string | undefined;
  let output: string | undefined;
  const rest = [...given];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '--full') isFull = true;
    else if (name === '--only') parts = readParts(rest.shift());
    else if (name === '--seconds') seconds = readCount(name, rest.shift(), MAX_SECONDS);
    else if (name === '--jobs') jobs = readCount(name, rest.shift(), MAX_FARM_JOBS);
    else if (name === '--farm') farmJobs = readCount(name, rest.shift(), MAX_FARM_JOBS);
    else if (name === '--against') against = readText(name, rest.shift());
    else if (name === '--output') output = readText(name, rest.shift());
    else throw usage(`there is no option ${name}`);
  }
  if (output !== undefined && against === undefined) throw usage('--output goes with --against');
  const possible: readonly PartName[] = against === undefined ? PARTS : COMPARED_PARTS;
  const unfit = parts?.find((part) => !possible.includes(part));
  if (unfit !== undefined) throw usage(`the part '${unfit}' compares no checkouts`);
  return { isFull, parts: parts ?? possible, seconds, jobs, farmJobs, against, output };
}

function readText(name: string, text: string | undefined): string {
  if (text === undefined || text === '') throw usage(`${name} needs a value`);
  return text;
}

function readParts(text: string | undefined): PartName[] {
  const names = (text ?? '').split(',');
  const unknown = names.find((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown !== undefined) throw usage(`there is no part '${unknown}'`);
  return PARTS.filter((part) => names.includes(part));
}

function readCount(name: string, text: string | undefined, most: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw usage(`${name} is a whole number from 1 to ${most}`);
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
