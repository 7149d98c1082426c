import { describe, expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

describe('the command line', () => {
  test('without options is one minute with three nodes', () => {
    expect(parseArguments([], 7)).toEqual({
      faultsMs: 60_000,
      nodes: 3,
      seed: 7,
      historyFile: undefined,
      network: 'auto',
    });
  });

  test('takes every option', () => {
    const given = '--minutes 0.5 --nodes 5 --seed 12 --history h.jsonl --network proxy'.split(' ');
    expect(parseArguments(given, 7)).toEqual({
      faultsMs: 30_000,
      nodes: 5,
      seed: 12,
      historyFile: 'h.jsonl',
      network: 'proxy',
    });
  });

  test.each([
    ['--minutes', '0'],
    ['--minutes', 'long'],
    ['--nodes', '4'],
    ['--seed', '-1'],
    ['--network', 'wifi'],
    ['--hours', '1'],
    ['--nodes'],
  ])('refuses %s %s with the usage', (...given) => {
    expect(() => parseArguments(given, 7)).toThrow(/Usage: npm run chaos/);
  });
});
