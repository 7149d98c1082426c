// Tests wait for conditions, never for a while.

import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Generous: the machine may be slow, and a test that passes never waits it out. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_INTERVAL_MS = 50;

/**
 * Repeats `check` until it returns something other than undefined or false, and returns that. A check that throws has
 * not succeeded yet; when the time is over the last thing that it threw is the cause of the error.
 */
export async function waitFor<T>(
  description: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  for (let lastError: unknown; ; ) {
    try {
      const result = await check();
      if (result !== undefined && result !== false) return result;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadline) throw new Error(`waited in vain: ${description}`, { cause: lastError });
    await sleep(options.intervalMs ?? DEFAULT_INTERVAL_MS);
  }
}
