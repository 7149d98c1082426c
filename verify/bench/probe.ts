// How long a node's event loop lets others wait: the smallest read there is, every few milliseconds, over one connection.

import type { BenchNode } from './cluster.ts';
import { runLoad } from './load.ts';

/** Milliseconds. */
export interface Waits {
  readonly p999: number;
  readonly longest: number;
}

/** Answered from the heap in the same turn of the event loop, and no error where there is no printer yet. */
const PATH = '/api/v1/printers?limit=1&consistency=stale';
const SECONDS_A_PROBE = 1;
/** Between two reads: without a pause they would take most of a core from what is watched. */
const PAUSE_MS = 5;

/**
 * While `action` is under way, and for a second at least: the longest wait, with the pause before it, and the worst of each
 * second's p99.9.
 */
export async function waitsDuring(node: BenchNode, action: Promise<unknown>): Promise<Waits> {
  let isOver = false;
  const over = action.finally(() => {
    isOver = true;
  });
  // It is waited for below: what it throws must not be nobody's until then.
  over.catch(() => undefined);
  let waits: Waits = { p999: 0, longest: 0 };
  while (!isOver) {
    const load = {
      url: node.url,
      kind: 'get',
      connections: 1,
      seconds: SECONDS_A_PROBE,
      path: PATH,
      pauseMs: PAUSE_MS,
    } as const;
    const { p999, max } = await runLoad(load);
    waits = { p999: Math.max(waits.p999, p999), longest: Math.max(waits.longest, max + PAUSE_MS) };
  }
  await over;
  return waits;
}
