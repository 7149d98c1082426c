// Shrinks a failing run while it fails in the same way: first its time, then its faults.

import type { SimulationOptions, SimulationResult } from './simulation.ts';

interface ShrinkOptions {
  /** Most runs that may be spent. */
  readonly maxRuns: number;
  readonly run: (options: SimulationOptions) => SimulationResult;
}

interface Shrunk {
  readonly options: SimulationOptions;
  readonly result: SimulationResult;
  readonly runs: number;
}

/** Returns the smallest failing run found. `failing` is the result of `options`. */
export function shrink(
  options: SimulationOptions,
  failing: SimulationResult,
  { maxRuns, run }: ShrinkOptions,
): Shrunk {
  let best: Shrunk = { options, result: failing, runs: 0 };
  let runs = 0;
  const fails = (candidate: SimulationOptions): boolean => {
    if (runs >= maxRuns) return false;
    runs += 1;
    const result = run(candidate);
    if (result.violations[0]?.property !== failing.violations[0]?.property) return false;
    best = { options: candidate, result, runs };
    return true;
  };
  // Faults after the failure are not needed. Those before it are drawn as before.
  const neededMs = Math.ceil(failing.simulatedMs) + 1;
  if (neededMs < failing.profile.durationMs) fails({ ...options, durationMs: neededMs });
  shrinkFaults(() => best, fails);
  return { ...best, runs };
}

/** Leaves out halves, then quarters, down to single faults (delta debugging, Zeller and Hildebrandt 2002). */
function shrinkFaults(best: () => Shrunk, fails: (candidate: SimulationOptions) => boolean): void {
  const remaining = (): readonly number[] => {
    const { options, result } = best();
    return options.faults ?? result.plan.map(({ number }) => number);
  };
  let parts = 2;
  while (remaining().length > 0 && parts <= 2 * remaining().length) {
    const faults = remaining();
    const size = Math.ceil(faults.length / parts);
    let isSmaller = false;
    for (let from = 0; from < faults.length && !isSmaller; from += size) {
      const rest = faults.filter((_, place) => place < from || place >= from + size);
      isSmaller = fails({ ...best().options, faults: rest });
    }
    parts = isSmaller ? Math.max(2, parts - 1) : parts * 2;
  }
}
