import { expect, test } from 'vitest';
import { parseArguments, TARGETS } from './arguments.ts';

test('without options the run takes a minute, against all targets', () => {
  expect(parseArguments([], 7)).toEqual({
    budget: { kind: 'time', ms: 60_000 },
    seed: 7,
    targets: TARGETS,
    idea: undefined,
  });
});

test('the options that a finding prints are accepted', () => {
  const given = ['--only', 'transport', '--idea', 'messages', '--seed', '12', '--cases', '5000'];
  expect(parseArguments(given, 1)).toEqual({
    budget: { kind: 'cases', cases: 5_000 },
    seed: 12,
    targets: ['transport'],
    idea: 'messages',
  });
});

test.each([
  [['--hours', '1']],
  [['--minutes']],
  [['--minutes', '0']],
  [['--minutes', '1', '--cases', '5']],
  [['--cases', '-5']],
  [['--seed', 'x']],
  [['--only', 'http,teapots']],
  [['--only', '']],
])('%j is refused with the usage', (given) => {
  expect(() => parseArguments(given, 1)).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringContaining('Usage: npm run fuzz') }),
  );
});
