// The command line of `npm run bench`.

import { CodedError } from '../src/shared/coded-error.ts';

export const PARTS = ['writes', 'reads', 'forwarded'] as const;
export type PartName = (typeof PARTS)[number];

export interface BenchArguments {
  /** Every part, long and repeated; otherwise about five minutes. */
  readonly isFull: boolean;
  /** In the order of PARTS. */
  readonly parts: readonly PartName[];
  /** How long each measurement lasts; undefined: as suits the size. */
  readonly seconds: number | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]
  --full           everything, repeated: an hour or so (about five minutes otherwise)
  --only PART,...  these parts of it: ${PARTS.join(', ')}
  --seconds N      how long each measurement lasts (10 with --full, else 4)`;

const MAX_SECONDS = 600;

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]): BenchArguments {
  let isFull = false;
  let parts: readonly PartName[] = PARTS;
  let seconds: number | undefined;
  const rest = [...given];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '--full') isFull = true;
    else if (name === '--only') parts = readParts(rest.shift());
    else if (name === '--seconds') seconds = readSeconds(rest.shift());
    else throw usage(`there is no option ${name}`);
  }
  return { isFull, parts, seconds };
}

function readParts(text: string | undefined): PartName[] {
  const names = (text ?? '').split(',');
  const unknown = names.find((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown !== undefined) throw usage(`there is no part '${unknown}'`);
  return PARTS.filter((part) => names.includes(part));
}

function readSeconds(text: string | undefined): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
  throw usage(`--seconds is a whole number from 1 to ${MAX_SECONDS}`);
}

function usage(problem: string): CodedError {
  return new CodedError('usage', `${problem}\n${USAGE}`);
}
