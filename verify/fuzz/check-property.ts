// Checks a property with fast-check. A failure is shrunk, and thrown as a Finding with the smallest case.

import fc from 'fast-check';
import { Finding } from './idea.ts';

/** The bound of shrinking: after it, the smallest case so far is reported. */
const MAX_SHRINK_MS = 30_000;
const MAX_SHOWN_CHARACTERS = 4_000;

interface Draw<T> {
  readonly seed: number;
  /** The number of values drawn. One value may hold many cases. */
  readonly runs: number;
  readonly arbitrary: fc.Arbitrary<T>;
}

/** `judge` throws when it finds something: a Finding, or the program's own error. */
export function checkProperty<T>({ seed, runs, arbitrary }: Draw<T>, judge: (value: T) => void): void {
  let failedAt: number | undefined;
  const property = fc.property(arbitrary, (value) => {
    if (failedAt !== undefined && performance.now() - failedAt > MAX_SHRINK_MS) return;
    try {
      judge(value);
    } catch (error) {
      failedAt ??= performance.now();
      throw error;
    }
  });
  report(fc.check(property, { seed, numRuns: runs }));
}

/** Does the same as `checkProperty` with an asynchronous judge. */
export async function checkAsyncProperty<T>(
  { seed, runs, arbitrary }: Draw<T>,
  judge: (value: T) => Promise<void>,
): Promise<void> {
  let failedAt: number | undefined;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    if (failedAt !== undefined && performance.now() - failedAt > MAX_SHRINK_MS) return;
    try {
      await judge(value);
    } catch (error) {
      failedAt ??= performance.now();
      throw error;
    }
  });
  report(await fc.check(property, { seed, numRuns: runs }));
}

function report<T>(details: fc.RunDetails<[T]>): void {
  if (!details.failed) return;
  const [smallest] = details.counterexample ?? [];
  const cause = details.errorInstance;
  const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const shown = shortened(fc.stringify(smallest)).slice(0, MAX_SHOWN_CHARACTERS);
  throw new Finding(`${reason}\nthe smallest case (shrunk ${details.numShrinks} times): ${shown}`, { cause });
}

/** Shortens long runs of one character. */
function shortened(text: string): string {
  return text.replace(/(.)\1{63,}/gs, (run, character) => `${character}… (${run.length} times)`);
}
