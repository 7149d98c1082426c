// Bounds the time of a case: input must not make the program hang.

import { Finding } from './idea.ts';

/** Runs one synchronous case. Throws Finding when it takes longer than `maxMs`. */
export function withinTime<T>(maxMs: number, run: () => T): T {
  const started = performance.now();
  const result = run();
  const tookMs = performance.now() - started;
  if (tookMs > maxMs) throw new Finding(`one case took ${Math.round(tookMs)} ms`);
  return result;
}
