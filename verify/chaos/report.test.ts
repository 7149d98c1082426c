import { expect, test } from 'vitest';
import { formatReport, percentile, type Report } from './report.ts';

const CLEAN: Report = {
  seed: 7,
  nodes: 3,
  network: 'wires',
  disks: 'small',
  linkDamage: { lost: 12, late: 34 },
  removals: 2,
  joinsMs: [900, 1_100],
  damageFound: 3,
  damageHarmless: 1,
  refusedForRoom: 9,
  faultsMs: 90_000,
  faults: new Map([
    ['rolling restart', 2],
    ['kill -9 of all', 3],
  ]),
  operations: 100,
  acknowledged: 40,
  refused: 20,
  unknown: 2,
  lost: 0,
  duplicated: 0,
  staleReads: 0,
  undecided: 1,
  workcells: 5,
  longestLeaderlessMs: 812.4,
  failoversMs: [700, 900, 650],
  recoveryMs: 1_500,
  violations: [],
};

test('a percentile is the value of nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 99, 100]);
  expect(percentile([3], 0.5)).toBe(3);
});

test('the report of a clean run has every figure', () => {
  const text = formatReport(CLEAN);
  for (const line of [
    '3 nodes, 1.5 minutes of faults, seed 7',
    'faults: 5',
    '  kill -9 of all: 3',
    'writes acknowledged: 40',
    'on bad links: 12 lost, 34 late',
    'removals: 2',
    'joins: 2, median 900 ms, p99 1100 ms, max 1100 ms',
    'damaged files refused: 3, harmless: 1',
    'attempts refused for a full disk: 9',
    'lost: 0',
    'histories judged: 4 of 5',
    'longest time without a leader while a quorum was healthy: 812 ms',
    'failovers: 3, median 700 ms, p99 900 ms, max 900 ms',
    'nothing violated',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

test('the report shows a violation', () => {
  const violations = [{ property: 'durability', message: 'node1 has lost a printer' }];
  const text = formatReport({ ...CLEAN, violations });
  expect(text).toContain('VIOLATED: durability: node1 has lost a printer');
  expect(text).not.toContain('nothing violated');
});
