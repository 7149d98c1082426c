// How long a call waits between two rounds over all nodes.

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/** Doubles every round up to two seconds. At random between half and all of it, so that clients spread. */
export function waitMsAfter(round: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** round);
  return longest * (0.5 + Math.random() / 2);
}

/** Resolves after this time, or as soon as the signal is aborted. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
