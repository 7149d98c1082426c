// The simulator's output: totals of many runs, and one failure in full.

import type { SimulationOptions, SimulationResult } from './simulation.ts';
import { formatTraceLine } from './trace.ts';

const SUMMED = [
  'events',
  'elections',
  'snapshots',
  'membershipChanges',
  'commands',
  'clientOperations',
  'answered',
  'undecided',
] as const;

/** The part of a result that workers send to the leading process. */
export type Summary = Pick<
  SimulationResult,
  (typeof SUMMED)[number] | 'seed' | 'digest' | 'simulatedMs' | 'faults'
> & {
  readonly isFailed: boolean;
};

export function summarize(result: SimulationResult): Summary {
  const { trace: _trace, profile: _profile, plan: _plan, violations, ...rest } = result;
  return { ...rest, isFailed: violations.length > 0 };
}

export class Totals {
  readonly #sums = new Map<(typeof SUMMED)[number], number>();
  readonly #faults = new Map<string, number>();
  #simulatedMs = 0;
  #cpuSeconds = 0;
  runs = 0;
  readonly failedSeeds: number[] = [];

  /** `cpuSeconds` is the processor time of the run, including other work of its process. */
  add(summary: Summary, cpuSeconds: number): void {
    this.runs += 1;
    this.#cpuSeconds += cpuSeconds;
    this.#simulatedMs += summary.simulatedMs;
    if (summary.isFailed) this.failedSeeds.push(summary.seed);
    for (const name of SUMMED) this.#sums.set(name, (this.#sums.get(name) ?? 0) + summary[name]);
    for (const [kind, count] of Object.entries(summary.faults)) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
  }

  format(elapsedSeconds: number): string {
    const sum = (name: (typeof SUMMED)[number]): number => this.#sums.get(name) ?? 0;
    const faults = [...this.#faults].sort(([a], [b]) => (a < b ? -1 : 1));
    const faultCount = faults.reduce((total, [, count]) => total + count, 0);
    return [
      `seeds               ${this.runs} (${this.failedSeeds.length} failed)`,
      `events              ${sum('events')} (${Math.round(sum('events') / elapsedSeconds)}/s)`,
      `processor time      ${formatHours(this.#cpuSeconds)}: ${Math.round(sum('events') / this.#cpuSeconds)} events a second of it`,
      `simulated time      ${(this.#simulatedMs / 3_600_000).toFixed(2)} h in ${elapsedSeconds.toFixed(1)} s`,
      `elections           ${sum('elections')}`,
      `snapshots installed ${sum('snapshots')}`,
      `membership changes  ${sum('membershipChanges')}`,
      `commands applied    ${sum('commands')}`,
      `client operations   ${sum('clientOperations')} (${sum('answered')} answered, ${sum('undecided')} histories undecided)`,
      `faults              ${faultCount}`,
      ...faults.map(([kind, count]) => `  ${kind.padEnd(22)}${count}`),
    ].join('\n');
  }
}

function formatHours(seconds: number): string {
  return seconds < 3_600 ? `${seconds.toFixed(0)} s` : `${(seconds / 3_600).toFixed(2)} h`;
}

/** `result` comes from a traced run with `options`. */
export function formatFailure(
  options: SimulationOptions,
  result: SimulationResult,
  traceLines: number,
): string {
  const violations = result.violations.map(({ property, message }) => `  ${property}: ${message}`);
  const faults = result.plan
    .filter(({ number }) => options.faults === undefined || options.faults.includes(number))
    .map(({ number, kind, atMs, durationMs }) => {
      return `  ${number}: ${kind} at ${Math.round(atMs)} ms for ${Math.round(durationMs)} ms`;
    });
  return [
    `seed ${options.seed} fails after ${result.events} events, ${Math.round(result.simulatedMs)} simulated ms:`,
    ...violations,
    'faults needed for the failure:',
    ...faults,
    `last ${traceLines} lines of the trace:`,
    ...result.trace.slice(-traceLines).map(formatTraceLine),
    `replay: ${replayCommand(options)}`,
  ].join('\n');
}

export function replayCommand({ seed, durationMs, faults }: SimulationOptions): string {
  const duration = durationMs === undefined ? '' : ` --duration ${durationMs}`;
  const list = faults?.length === 0 ? 'none' : faults?.join(',');
  return `npm run sim -- --seed ${seed}${duration}${list === undefined ? '' : ` --faults ${list}`}`;
}
