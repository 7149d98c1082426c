// Durations as Go writes them: `4m`, `90s`, `500ms`, `1h30m`, `1.5s`, `0`.

const MILLISECONDS_BY_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A century: anything longer is a slip of the finger. */
const MAX_DURATION_MS = 100 * 365 * 24 * 3_600_000;

/** Matches a run of digits in one way only: with two ways it would take quadratic time. */
const WHOLE = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;

/** Returns whole milliseconds, or undefined for an invalid duration. Every number but `0` needs a unit. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART)) {
    totalMs += Number(amount) * (MILLISECONDS_BY_UNIT[unit] ?? Number.NaN);
  }
  return totalMs <= MAX_DURATION_MS ? Math.round(totalMs) : undefined;
}
