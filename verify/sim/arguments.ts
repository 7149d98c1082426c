// The command line of `npm run sim`.

import { CommandOptions, integer, text } from '../kit/command-options.ts';

const DEFAULT_MINUTES = 1;

const OPTIONS = new CommandOptions('npm run sim', {
  seed: integer({ value: 'S', about: 'one seed' }),
  seeds: text({ value: '1-100', about: 'these seeds', pattern: /^\d{1,15}-\d{1,15}$/ }),
  minutes: integer({ value: 'N', about: 'fresh seeds for N minutes (1 when no seed is given)' }),
  jobs: integer({ value: 'N', about: 'processes side by side', min: 1, max: 64, default: 1 }),
  duration: integer({ value: 'MS', about: 'simulated time of faults in one run' }),
  faults: text({
    value: '1,5,7|none',
    about: "only these faults of the seed's plan: a failure prints them after shrinking",
    pattern: /^(?:none|\d+(?:,\d+)*)$/,
  }),
  trace: integer({ value: 'N', about: 'lines of the trace to show of a failure', default: 60 }),
});

/** `last` is undefined when time alone ends the run. */
export type SimulatorArguments = ReturnType<typeof parseArguments>;

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]) {
  const { seed, seeds, minutes, jobs, duration, faults, trace } = OPTIONS.parse(given);
  const [first, last] = seed === undefined ? (seeds?.split('-').map(Number) ?? []) : [seed, seed];
  if (first !== undefined && last !== undefined && first > last) {
    throw OPTIONS.error('--seeds begins with the smaller number');
  }
  return {
    first,
    last,
    minutes: minutes ?? (first === undefined ? DEFAULT_MINUTES : undefined),
    jobs,
    durationMs: duration,
    faults: faults === 'none' ? [] : faults?.split(',').map(Number),
    traceLines: trace,
  };
}
