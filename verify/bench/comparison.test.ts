import { expect, test } from 'vitest';
import { comparisonTable, slowerLine, type Turn } from './comparison.ts';
import type { Measurement } from './context.ts';

function measured(perSecond: number, errors = 0): Measurement {
  const cost = { leaderMicros: 100, followerMicros: 50 };
  return { requests: perSecond, errors, perSecond, p50: 1, p99: 2, p999: 3, max: 4, ...cost };
}

function turn(ours: number, other: number): Turn {
  return { ours: measured(ours), other: measured(other) };
}

test('the ratio is the median of the ratios of the turns', () => {
  const turns = [turn(100, 100), turn(10, 20), turn(95, 100)];
  const { rows } = comparisonTable([{ name: 'writes', turns }]);
  expect(rows[0]).toEqual(['writes: requests/s', 95, 100, '0.950', '0.500', '1.000']);
  expect(rows).toHaveLength(2);
});

test('errors have a row where there are any', () => {
  const turns = [{ ours: measured(100, 2), other: measured(100, 1) }];
  const { rows } = comparisonTable([{ name: 'writes', turns }]);
  expect(rows.at(-1)).toEqual(['writes: errors', 2, 1, '2.000', '2.000', '2.000']);
});

test('the loads with a rate below 0.95 are named', () => {
  const equal = { name: 'reads', turns: [turn(95, 100)] };
  const slower = { name: 'writes', turns: [turn(94, 100)] };
  expect(slowerLine([equal])).toBe("Rates below 0.950 of the other checkout's: none.");
  expect(slowerLine([equal, slower])).toBe("Rates below 0.950 of the other checkout's: writes (0.940).");
});
