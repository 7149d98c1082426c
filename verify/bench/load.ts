// Closed-loop load: each connection sends its next request once the last one is answered.

import { spawnSync } from 'node:child_process';
import { runAutocannon } from './autocannon-load.ts';
import type { Load, LoadResult } from './load-types.ts';
import { type RunningWrk, startWrk } from './wrk-load.ts';

/** wrk is preferred: it takes a fraction of autocannon's processor time, on cores that the nodes share. */
export const HAS_WRK = spawnSync('sh', ['-c', 'command -v wrk'], { stdio: 'ignore' }).status === 0;

let runs = 0;

/**
 * Runs one load. Its keys begin with five characters of this run, so that no key is written twice, jobs
 * apart. Rejects when the load program fails.
 */
export function runLoad(load: Load): Promise<LoadResult> {
  return HAS_WRK ? startLoad(load).result : runAutocannon(load, nextRun());
}

/** Needs wrk. */
export function startLoad(load: Load): RunningWrk {
  return startWrk(load, nextRun());
}

function nextRun(): string {
  runs += 1;
  return `r${String(runs).padStart(4, '0')}`;
}
