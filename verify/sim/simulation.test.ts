import { describe, expect, test } from 'vitest';
import { type SimulationResult, simulate } from './simulation.ts';

/** Short enough for every test run; `npm run sim` runs longer ones. */
const DURATION_MS = 6_000;
const SEEDS = Array.from({ length: 16 }, (_, at) => at + 1);

function run(seed: number): SimulationResult {
  return simulate({ seed, durationMs: DURATION_MS });
}

describe('equal seeds give equal runs', () => {
  test.each([1, 2, 3])('with seed %i, to the last event', (seed) => {
    const [first, second] = [run(seed), run(seed)];
    expect(second).toEqual(first);
    expect(first.events).toBeGreaterThan(100);
  });

  test('also when one is traced', () => {
    const traced = simulate({ seed: 1, durationMs: DURATION_MS, isTraced: true });
    expect(traced.trace.length).toBeGreaterThan(100);
    expect(traced.digest).toBe(run(1).digest);
  });

  test('and different seeds give different runs', () => {
    expect(run(1).digest).not.toBe(run(2).digest);
  });
});

test('every property holds on a fixed set of seeds that contain elections, snapshots and changes', () => {
  const results = SEEDS.map(run);
  expect(
    results.flatMap(({ seed, violations }) => violations.map((violation) => ({ seed, ...violation }))),
  ).toEqual([]);
  const sum = (count: (result: SimulationResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  expect(sum((result) => result.elections)).toBeGreaterThan(SEEDS.length);
  expect(sum((result) => result.snapshots)).toBeGreaterThan(SEEDS.length / 2);
  expect(sum((result) => result.membershipChanges)).toBeGreaterThan(SEEDS.length);
  expect(sum((result) => result.answered)).toBeGreaterThan(100 * SEEDS.length);
  expect(new Set(results.flatMap((result) => Object.keys(result.faults))).size).toBeGreaterThan(15);
  expect(sum((result) => result.undecided)).toBe(0);
});

test('leaving out faults does not change the plan', () => {
  const all = run(4);
  const none = simulate({ seed: 4, durationMs: DURATION_MS, faults: [] });
  expect(all.plan.length).toBeGreaterThan(0);
  expect(none.plan).toEqual(all.plan);
  expect(none.faults).toEqual({});
});
