// Long work, done at once during a start, and in slices while the event loop has other work.

import { setTimeout as pause } from 'node:timers/promises';

/** Work in steps, each well below a millisecond. */
export type Steps<Result = void> = Generator<undefined, Result>;

/** The time that a slice takes of the event loop. */
const SLICE_MS = 4;
/** The pause after each slice, for the event loop and for other processes on the same processors. */
const REST_MS = 2;

export function runAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Runs the steps until `isWanted`, which is asked between slices, returns false. Rejects with an error of a
 * step.
 */
export async function runInSlices(steps: Steps, isWanted: () => boolean): Promise<void> {
  for (;;) {
    await pause(REST_MS);
    if (!isWanted()) {
      steps.return();
      return;
    }
    const endsAt = performance.now() + SLICE_MS;
    do {
      if (steps.next().done === true) return;
    } while (performance.now() < endsAt);
  }
}
