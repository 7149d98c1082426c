import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

const DEFAULTS = {
  first: undefined,
  last: undefined,
  minutes: 1,
  jobs: 1,
  durationMs: undefined,
  faults: undefined,
  traceLines: 60,
};

test.each([
  ['', DEFAULTS],
  ['--seed 7', { ...DEFAULTS, first: 7, last: 7, minutes: undefined }],
  ['--seeds 3-9 --jobs 2', { ...DEFAULTS, first: 3, last: 9, minutes: undefined, jobs: 2 }],
  ['--minutes 10 --trace 5', { ...DEFAULTS, minutes: 10, traceLines: 5 }],
  ['--seeds 1-9 --minutes 2', { ...DEFAULTS, first: 1, last: 9, minutes: 2 }],
  [
    '--seed 7 --duration 900 --faults 1,5',
    { ...DEFAULTS, first: 7, last: 7, minutes: undefined, durationMs: 900, faults: [1, 5] },
  ],
  ['--seed 7 --faults none', { ...DEFAULTS, first: 7, last: 7, minutes: undefined, faults: [] }],
])('%j is accepted', (line, expected) => {
  expect(parseArguments(line.split(' ').filter(Boolean))).toEqual(expected);
});

test.each([
  '--seed',
  '--seed x',
  '--seeds 9-3',
  '--seeds 9',
  '--jobs 0',
  '--jobs 65',
  '--faults 1;2',
  '--help',
  'seed 1',
])('%j is refused with the usage', (line) => {
  expect(() => parseArguments(line.split(' '))).toThrow(/Usage/);
});
