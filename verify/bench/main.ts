// The command `npm run bench`: measures speed, memory and disk use, and compares them with other systems.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../kit/command-options.ts';
import { type BenchArguments, type PartName, parseArguments } from './arguments.ts';
import { readCheckout } from './checkout.ts';
import type { BenchContext } from './context.ts';
import { keepResults, type Machine } from './document.ts';
import { etcdVersion } from './etcd-cluster.ts';
import { LargeFarm } from './large/large-farm.ts';
import { HAS_WRK } from './load.ts';
import { readsAgainst, writesAgainst } from './parts/against.ts';
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
const COMPARISON = { repetitions: 9, seconds: 2 };
const FULL_COMPARISON = { repetitions: 15, seconds: 3 };

const PART_OF: Readonly<Record<PartName, Part>> = {
  writes,
  reads,
  forwarded,
  stages,
  failover,
  elections,
  growth,
  large,
};

type Part = (context: BenchContext, report: PartReport) => Promise<void>;

const given = readCommandLine(process, parseArguments);
const cleanups: (() => Promise<void>)[] = [];
// A second interrupt is possible, also from the parent: the end of the process removes what is left.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT_FAILED));
try {
  await run(given);
} catch (error) {
  console.error(error);
  process.exitCode = EXIT_FAILED;
} finally {
  await cleanUp();
}

async function run(options: BenchArguments): Promise<void> {
  const { isFull, parts, farmJobs, against } = options;
  if (against !== undefined) {
    await runComparison(options, against);
    return;
  }
  if (!HAS_WRK) console.error('wrk is not installed: autocannon is used, which takes much processor time');
  const context = contextOf(options, { ...(isFull ? FULL : QUICK), etcd: etcdVersion() });
  if (farmJobs !== undefined) {
    await showFarm(context, farmJobs);
    return;
  }
  if (context.etcdVersion === undefined) console.error('etcd is not installed: nothing is compared with it');
  const results: PartResult[] = [];
  for (const part of parts) {
    results.push(await runPart(part, context, PART_OF[part]));
    // After each part: the results of a run that is ended early are kept.
    const kept = { finishedAt: new Date().toISOString(), machine: machineOf(context), parts: results };
    const file = keepResults(kept, { isFull });
    console.error(`… kept in ${path.relative(process.cwd(), file)}`);
  }
  reportFailures(results);
}

async function runComparison(options: BenchArguments, directory: string): Promise<void> {
  if (!HAS_WRK) throw new Error('a comparison needs wrk: install it (apt-get install wrk), then try again');
  const other = await readCheckout(directory);
  const context = contextOf(options, { ...(options.isFull ? FULL_COMPARISON : COMPARISON), etcd: undefined });
  const results: PartResult[] = [];
  for (const part of options.parts) {
    const compare = part === 'writes' ? writesAgainst : readsAgainst;
    results.push(await runPart(part, context, (...given) => compare(...given, other)));
  }
  if (options.output !== undefined) fs.writeFileSync(options.output, results.map(printed).join('\n'));
  reportFailures(results);
}

function contextOf(
  { isFull, jobs, seconds }: BenchArguments,
  size: { repetitions: number; seconds: number; etcd: string | undefined },
): BenchContext {
  return {
    isFull,
    jobs,
    repetitions: size.repetitions,
    seconds: seconds ?? size.seconds,
    etcdVersion: size.etcd,
    tell: (line) => console.error(`… ${line}`),
    onEnd: (cleanup) => cleanups.push(cleanup),
  };
}

/**
 * Runs a part and prints its result. The findings of a part that fails are kept, and the other parts go on.
 */
async function runPart(name: PartName, context: BenchContext, part: Part): Promise<PartResult> {
  const report = new PartReport(name);
  let failure: string | null = null;
  try {
    await part(context, report);
  } catch (error) {
    console.error(error);
    failure = error instanceof Error ? error.message : String(error);
  }
  await cleanUp();
  const result = report.result(failure);
  console.log(`\n${printed(result)}`);
  return result;
}

function printed(result: PartResult): string {
  return partLines(result, () => undefined).join('\n');
}

function reportFailures(results: readonly PartResult[]): void {
  const failed = results.filter(({ failure }) => failure !== null);
  for (const { part, failure } of failed) console.error(`the part '${part}' failed: ${failure}`);
  if (failed.length > 0) process.exitCode = EXIT_FAILED;
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
