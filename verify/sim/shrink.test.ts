import { expect, test } from 'vitest';
import { shrink } from './shrink.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulation.ts';

const REAL = simulate({ seed: 1, durationMs: 200, faults: [] });
const PLANNED = 20;

/** A run that fails after 700 ms if and only if it has both of two faults. */
function runWith(options: SimulationOptions): SimulationResult {
  const plan = Array.from({ length: PLANNED }, (_, number) => {
    return { number, kind: 'kill', atMs: number, durationMs: 1, seed: number } as const;
  });
  const faults = options.faults ?? plan.map(({ number }) => number);
  const isFailing = faults.includes(3) && faults.includes(17);
  return {
    ...REAL,
    plan,
    simulatedMs: 700,
    profile: { ...REAL.profile, durationMs: options.durationMs ?? 15_000 },
    violations: isFailing ? [{ property: 'p', message: 'm' }] : [{ property: 'other', message: 'm' }],
  };
}

test('shrinking leaves only the faults and the time that the failure needs', () => {
  const options = { seed: 1 };
  const { options: smallest, runs } = shrink(options, runWith(options), { maxRuns: 200, run: runWith });
  expect(smallest).toEqual({ seed: 1, durationMs: 701, faults: [3, 17] });
  expect(runs).toBeLessThan(60);
});

test('a failure that needs no fault is shrunk to none', () => {
  const always = (options: SimulationOptions): SimulationResult => ({
    ...runWith(options),
    violations: [{ property: 'p', message: 'm' }],
  });
  const { options } = shrink({ seed: 1 }, always({ seed: 1 }), { maxRuns: 200, run: always });
  expect(options.faults).toEqual([]);
});

test('shrinking stops after the allowed runs, with a run that still fails', () => {
  const { options, result, runs } = shrink({ seed: 1 }, runWith({ seed: 1 }), { maxRuns: 5, run: runWith });
  expect(runs).toBe(5);
  expect(result.violations[0]?.property).toBe('p');
  expect(runWith(options).violations[0]?.property).toBe('p');
});
