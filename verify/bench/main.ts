// The command `npm run bench`: how fast, how large, and against what.

import os from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../kit/command-options.ts';
import { type BenchArguments, type PartName, parseArguments } from './arguments.ts';
import type { BenchContext } from './context.ts';
import { keepResults, type Machine } from './document.ts';
import { etcdVersion } from './etcd-cluster.ts';
import { LargeFarm } from './large/large-farm.ts';
import { HAS_WRK } from './load.ts';
import { elections } from './parts/elections.ts';
import { failover } from './parts/failover.ts';
import { forwarded } from './parts/forwarded.ts';
import { growth } from './parts/growth.ts';
import { large } from './parts/large.ts';
import { reads } from './parts/reads.ts';
import { stages } from './parts/stages.ts';
import { writes } from './parts/writes.ts';
import { PartReport, type PartResult, partLines } from './result.ts';

const EXIT_FAILED = 1;
const FULL = { repetitions: 3, seconds: 10 };
const QUICK = { repetitions: 1, seconds: 3 };

const RUN: Readonly<Record<PartName, (context: BenchContext, report: PartReport) => Promise<void>>> = {
  writes,
  reads,
  forwarded,
  stages,
  failover,
  elections,
  growth,
  large,
};

const given = readCommandLine(process, parseArguments);
const cleanups: (() => Promise<void>)[] = [];
// Whoever interrupts it may do so twice, or its parent does: what was begun comes to its end with the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT_FAILED));
try {
  await run(given);
} catch (error) {
  console.error(error);
  process.exitCode = EXIT_FAILED;
} finally {
  await cleanUp();
}

async function run({ isFull, parts, seconds, jobs, farmJobs }: BenchArguments): Promise<void> {
  if (!HAS_WRK) console.error('wrk is not installed: autocannon takes its place, and much of the processor');
  const size = isFull ? FULL : QUICK;
  const context: BenchContext = {
    isFull,
    jobs,
    repetitions: size.repetitions,
    seconds: seconds ?? size.seconds,
    etcdVersion: etcdVersion(),
    tell: (line) => console.error(`… ${line}`),
    onEnd: (cleanup) => cleanups.push(cleanup),
  };
  if (farmJobs !== undefined) {
    await showFarm(context, farmJobs);
    return;
  }
  if (context.etcdVersion === undefined) console.error('etcd is not installed: nothing is compared with it');
  const results: PartResult[] = [];
  for (const part of parts) {
    const result = await runPart(part, context);
    results.push(result);
    console.log(`\n${partLines(result, () => undefined).join('\n')}`);
    // After each part: whatever ends the run, what it has found stays.
    const kept = { finishedAt: new Date().toISOString(), machine: machineOf(context), parts: results };
    const file = keepResults(kept, { isFull });
    console.error(`… kept in ${path.relative(process.cwd(), file)}`);
  }
  const failed = results.filter(({ failure }) => failure !== null);
  for (const { part, failure } of failed) console.error(`the part '${part}' failed: ${failure}`);
  if (failed.length > 0) process.exitCode = EXIT_FAILED;
}

/** A part that fails leaves what it had found, and nothing that runs: the others go on. */
async function runPart(part: PartName, context: BenchContext): Promise<PartResult> {
  const report = new PartReport(part);
  let failure: string | null = null;
  try {
    await RUN[part](context, report);
  } catch (error) {
    console.error(error);
    failure = error instanceof Error ? error.message : String(error);
  }
  await cleanUp();
  return report.result(failure);
}

async function showFarm(context: BenchContext, wanted: number): Promise<void> {
  const farm = await LargeFarm.start(context);
  const { nodes } = farm.cluster;
  await farm.stock();
  const perSecond = await farm.growTo(wanted, context.tell);
  console.log(`${farm.jobs.toLocaleString('en-US')} print jobs, ${Math.round(perSecond)} a second`);
  for (const { id, url, dataDirectory } of nodes) console.log(`${id}: ${url} (data in ${dataDirectory})`);
  console.log(`Such as: curl "${nodes[0]?.url}/api/v1/print_jobs?printer_id=printer-0001&limit=10"`);
  console.log('Ctrl-C ends the farm and removes its data.');
  await Promise.all(nodes.map(({ process }) => process.ended));
}

function machineOf({ etcdVersion }: BenchContext): Machine {
  return {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    node: process.version,
    etcd: etcdVersion ?? null,
    load: HAS_WRK ? 'wrk' : 'autocannon',
  };
}

async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}
