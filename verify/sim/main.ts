// The command `npm run sim`: runs seeds in one or several processes and reports failures. Only this file of
// the room uses Node.js.

import { fork } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readCommandLine } from '../kit/command-options.ts';
import { parseArguments, type SimulatorArguments } from './arguments.ts';
import { formatFailure, type Summary, summarize, Totals } from './report.ts';
import { shrink } from './shrink.ts';
import { type SimulationOptions, simulate } from './simulation.ts';

/** Most runs spent on shrinking one failure. */
const MAX_SHRINKING_RUNS = 80;
/** Failures printed in full. All failed seeds are listed. */
const MAX_SHOWN_FAILURES = 3;
const PROGRESS_EVERY_MS = 30_000;

/** Environment variable of the worker processes, which run the seeds they are sent. */
const WORKER_MARK = 'RAFT3D_SIM_WORKER';

if (process.env[WORKER_MARK] === undefined) await lead();
else work();

/** The result of a run, and its processor time: elapsed time depends on other work of the machine. */
interface Finished {
  readonly summary: Summary;
  readonly cpuSeconds: number;
}

/** Answers each message with the result of its run. Interrupts are handled by the leading process. */
function work(): void {
  process.on('SIGINT', () => undefined);
  process.on('message', (options: SimulationOptions) => process.send?.(run(options)));
}

function run(options: SimulationOptions): Finished {
  const before = process.cpuUsage();
  const summary = summarize(simulate(options));
  const { user, system } = process.cpuUsage(before);
  return { summary, cpuSeconds: (user + system) / 1_000_000 };
}

async function lead(): Promise<void> {
  const given = readCommandLine(process, parseArguments);
  const startedAt = performance.now();
  const totals = new Totals();
  const seeds = seedsOf(given, startedAt);
  // After the first signal, running seeds finish and are reported. A second signal ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => seeds.return(undefined));
  let lastProgressAt = startedAt;
  const take = ({ summary, cpuSeconds }: Finished): void => {
    totals.add(summary, cpuSeconds);
    if (summary.isFailed && totals.failedSeeds.length <= MAX_SHOWN_FAILURES) show(given, summary.seed);
    if (performance.now() - lastProgressAt < PROGRESS_EVERY_MS) return;
    lastProgressAt = performance.now();
    console.log(`… ${totals.runs} seeds, latest ${summary.seed}, ${totals.failedSeeds.length} failed`);
  };
  if (given.jobs === 1) {
    for (const seed of seeds) {
      take(run(optionsFor(given, seed)));
      await nextTurn();
    }
  } else await Promise.all(Array.from({ length: given.jobs }, () => runWorker(given, seeds, take)));
  console.log(totals.format((performance.now() - startedAt) / 1_000));
  if (totals.failedSeeds.length === 0) return;
  console.log(`failed seeds: ${totals.failedSeeds.join(' ')}`);
  process.exitCode = 1;
}

/** Yields the requested seeds; when only a time is given, from a start that differs from run to run. */
function* seedsOf({ first, last, minutes }: SimulatorArguments, startedAt: number): Generator<number> {
  const deadline = minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + minutes * 60_000;
  let seed = first ?? Math.floor(Date.now() / 1_000) * 1_000;
  while (seed <= (last ?? Number.POSITIVE_INFINITY) && performance.now() < deadline) {
    yield seed;
    seed += 1;
  }
}

function optionsFor({ durationMs, faults }: SimulatorArguments, seed: number): SimulationOptions {
  return { seed, durationMs, faults };
}

/** Sends seeds to a worker process, one at a time. */
async function runWorker(
  given: SimulatorArguments,
  seeds: Generator<number>,
  take: (finished: Finished) => void,
): Promise<void> {
  const worker = fork(fileURLToPath(import.meta.url), { env: { ...process.env, [WORKER_MARK]: '1' } });
  await new Promise<void>((resolve, reject) => {
    const next = (): void => {
      const { value: seed, done } = seeds.next();
      if (done === true || seed === undefined) worker.disconnect();
      else worker.send(optionsFor(given, seed));
    };
    worker.on('message', (finished: Finished) => {
      take(finished);
      next();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with code ${code}`));
    });
    next();
  });
}

/** Runs a failing seed again, shrinks it, and prints the result. */
function show(given: SimulatorArguments, seed: number): void {
  const options = optionsFor(given, seed);
  const failing = simulate(options);
  console.log(`seed ${seed} fails: ${failing.violations[0]?.property}; shrinking …`);
  const smaller = shrink(options, failing, { maxRuns: MAX_SHRINKING_RUNS, run: simulate });
  const traced = simulate({ ...smaller.options, isTraced: true });
  console.log(formatFailure(smaller.options, traced, given.traceLines));
}
