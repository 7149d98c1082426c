// Measures how long a node's event loop is blocked: the smallest read, every few milliseconds, over one
// connection.

import type { BenchNode } from './cluster.ts';
import { runLoad } from './load.ts';

/** Milliseconds. */
export interface Waits {
  readonly p999: number;
  readonly longest: number;
}

/**
 * A read that is answered from memory in the same turn of the event loop. It also succeeds on an empty farm.
 */
const PATH = '/api/v1/printers?limit=1&consistency=stale';
const SECONDS_A_PROBE = 1;
/** A pause between two reads: without it they would take most of a core from the watched node. */
export const PAUSE_MS = 5;

/**
 * Watches while `action` is under way, and for at least a second. Returns the longest wait, with the pause
 * before it, and the highest p99.9 of any second.
 */
export async function waitsDuring(node: BenchNode, action: Promise<unknown>): Promise<Waits> {
  let isOver = false;
  const over = action.finally(() => {
    isOver = true;
  });
  // `over` is awaited below: an earlier rejection must not count as unhandled.
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
