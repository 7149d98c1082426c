// A case that takes longer than anybody would wait is a finding: input must not make the program hang.

import { Finding } from './idea.ts';

/** Runs one synchronous case. The bound is far above what any case needs, also on a busy machine. */
export function withinTime<T>(maxMs: number, run: () => T): T {
  const started = performance.now();
  const result = run();
  const tookMs = performance.now() - started;
  if (tookMs > maxMs) throw new Finding(`one case took ${Math.round(tookMs)} ms`);
  return result;
}
