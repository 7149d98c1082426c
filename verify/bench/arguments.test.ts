import { expect, test } from 'vitest';
import { PARTS, parseArguments } from './arguments.ts';

test('without options every part runs, in its quick form', () => {
  expect(parseArguments([])).toEqual({
    isFull: false,
    parts: PARTS,
    seconds: undefined,
    jobs: undefined,
    farmJobs: undefined,
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
  });
});

test.each([
  [['--fast'], 'there is no option --fast'],
  [['--only', 'writes,nothing'], "there is no part 'nothing'"],
  [['--only'], "there is no part ''"],
  [['--seconds', '0'], '--seconds is a whole number from 1 to 600'],
  [['--farm', '1.5'], '--farm is a whole number from 1 to 10000000'],
])('%j is refused', (given, message) => {
  expect(() => parseArguments(given)).toThrow(message);
});
