// Closed-loop load: each connection sends its next request when the answer to the last one is there.

import { spawnSync } from 'node:child_process';
import { runAutocannon } from './autocannon-load.ts';
import { runWrk } from './wrk-load.ts';

export interface Load {
  /** Without a path. */
  readonly url: string;
  /** What is sent; `load.lua` and `autocannon-load.ts` know each. */
  readonly kind: 'printer' | 'job' | 'status' | 'etcd-put' | 'etcd-range' | 'get' | 'page' | 'padded';
  readonly connections: number;
  readonly seconds: number;
  /** On each connection, after an answer and before the next request; none where it is left out. */
  readonly pauseMs?: number;
  /** Of kinds that want one: the path to get, the key to read in base64, or a number of bytes. */
  readonly path?: string;
  /**
   * Of kinds that name print jobs: the number of the first one that is added or set to Running; of pages, below which
   * number they begin.
   */
  readonly job?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type LoadResult = {
  readonly requests: number;
  /** Answers of 400 and above, and connections that failed. */
  readonly errors: number;
  /** Without the errors. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

/** `run` has five characters, which no other run on the same cluster has: keys begin with them. */
export type LoadProgram = (load: Load, run: string) => Promise<LoadResult>;

/** wrk costs a fraction of what autocannon does, on cores that the nodes need too. */
export const HAS_WRK = spawnSync('sh', ['-c', 'command -v wrk'], { stdio: 'ignore' }).status === 0;

let runs = 0;

/** Keys of one process of the bench are never written twice, jobs apart. Throws when the program fails. */
export function runLoad(load: Load): Promise<LoadResult> {
  runs += 1;
  const run = `r${String(runs).padStart(4, '0')}`;
  return HAS_WRK ? runWrk(load, run) : runAutocannon(load, run);
}
