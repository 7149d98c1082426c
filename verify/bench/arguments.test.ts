import { expect, test } from 'vitest';
import { PARTS, parseArguments } from './arguments.ts';

test('without options every part runs, in its quick form', () => {
  expect(parseArguments([])).toEqual({
    isFull: false,
    parts: PARTS,
    seconds: undefined,
    jobs: undefined,
    farmJobs: undefined,
    against: undefined,
    output: undefined,
  });
});

test('options choose the size, the parts and the length', () => {
  const given = '--full --only reads,writes --seconds 3 --jobs 500 --farm 1000'.split(' ');
  expect(parseArguments(given)).toEqual({
    isFull: true,
    parts: ['writes', 'reads'],
    seconds: 3,
    jobs: 500,
    farmJobs: 1_000,
    against: undefined,
    output: undefined,
  });
});

test('a comparison with another checkout has two parts', () => {
  const { parts, against, output } = parseArguments(['--against', '../before', '--output', 'found.md']);
  expect({ parts, against, output }).toEqual({
    parts: ['writes', 'reads'],
    against: '../before',
    output: 'found.md',
  });
  expect(parseArguments(['--against', '../before', '--only', 'reads']).parts).toEqual(['reads']);
});

test.each([
  [['--fast'], "Unknown option '--fast'"],
  [
    ['--only', 'writes,nothing'],
    '--only is a list of writes, reads, forwarded, stages, failover, elections, growth, large',
  ],
  [['--only'], "Option '--only <value>' argument missing"],
  [['--seconds', '0'], '--seconds is a whole number from 1 to 600'],
  [['--against', '.', '--only', 'growth'], "the part 'growth' compares no checkouts"],
  [['--output', 'found.md'], '--output goes with --against'],
  [['--farm', '1.5'], '--farm is a whole number from 1 to 10000000'],
])('%j is refused', (given, message) => {
  expect(() => parseArguments(given)).toThrow(message);
});
