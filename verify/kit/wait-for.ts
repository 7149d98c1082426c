// Waits for a condition. Tests never wait for a fixed time.

import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** A generous bound for slow machines: a passing test does not reach it. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_INTERVAL_MS = 50;

/**
 * Repeats `check` until it returns a value other than undefined or false, and returns that value. A check
 * that throws is repeated; after the time-out its last error is the cause of the thrown error.
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
    if (Date.now() > deadline)
      throw new Error(`timed out waiting until ${description}`, { cause: lastError });
    await sleep(options.intervalMs ?? DEFAULT_INTERVAL_MS);
  }
}
