// Long work that is done in one go where nobody waits, and in slices where others do.

import { setTimeout as pause } from 'node:timers/promises';

/** Each step takes well below a millisecond. */
export type Steps<Result = void> = Generator<undefined, Result>;

/** Of the event loop at a time. */
const SLICE_MS = 4;
/** After each: others go first, also those whose processes share the processors. */
const REST_MS = 2;

export function runAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Rejects with what a step throws. `goesOn` is asked between slices; where it says no, the rest is not done. */
export async function runInSlices(steps: Steps, goesOn: () => boolean): Promise<void> {
  for (;;) {
    await pause(REST_MS);
    if (!goesOn()) {
      steps.return();
      return;
    }
    const endsAt = performance.now() + SLICE_MS;
    do {
      if (steps.next().done === true) return;
    } while (performance.now() < endsAt);
  }
}
