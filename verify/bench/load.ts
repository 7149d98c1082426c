// Closed-loop load: each connection sends its next request when the answer to the last one is there.

import { spawnSync } from 'node:child_process';
import { runAutocannon } from './autocannon-load.ts';
import type { Load, LoadResult } from './load-types.ts';
import { runWrk } from './wrk-load.ts';

/** wrk costs a fraction of what autocannon does, on cores that the nodes need too. */
export const HAS_WRK = spawnSync('sh', ['-c', 'command -v wrk'], { stdio: 'ignore' }).status === 0;

let runs = 0;

/**
 * Keys of one process of the bench are never written twice, jobs apart: they begin with the run's five characters.
 * Throws when the program fails.
 */
export function runLoad(load: Load): Promise<LoadResult> {
  runs += 1;
  const run = `r${String(runs).padStart(4, '0')}`;
  return HAS_WRK ? runWrk(load, run) : runAutocannon(load, run);
}
