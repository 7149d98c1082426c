// The command `npm run bench`: how fast, how large, and against what.

import os from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../src/shared/command-options.ts';
import { type BenchArguments, PARTS, type PartName, parseArguments } from './arguments.ts';
import type { BenchContext } from './context.ts';
import { keepResults, type Machine } from './document.ts';
import { etcdVersion } from './etcd-cluster.ts';
import { addJobs, stock } from './large-farm.ts';
import { HAS_WRK } from './load.ts';
import { failover } from './parts/failover.ts';
import { forwarded } from './parts/forwarded.ts';
import { growth } from './parts/growth.ts';
import { large } from './parts/large.ts';
import { reads } from './parts/reads.ts';
import { writes } from './parts/writes.ts';
import { Raft3dCluster } from './raft3d-cluster.ts';
import { goalLine, markdownTable, type PartResult } from './result.ts';

const EXIT_FAILED = 1;
const FULL = { repetitions: 3, seconds: 10 };
const QUICK = { repetitions: 1, seconds: 4 };

const RUN: Readonly<Record<PartName, (context: BenchContext) => Promise<PartResult>>> = {
  writes,
  reads,
  forwarded,
  failover,
  large,
  growth,
};

const given = readCommandLine(process, parseArguments);
const cleanups: (() => Promise<void>)[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void end().then(() => process.exit(EXIT_FAILED)));
}
try {
  await run(given);
} catch (error) {
  console.error(error);
  process.exitCode = EXIT_FAILED;
} finally {
  await end();
}

async function run({ isFull, parts, seconds, farmJobs }: BenchArguments): Promise<void> {
  if (!HAS_WRK) console.error('wrk is not installed: autocannon takes its place, and much of the processor');
  const size = isFull ? FULL : QUICK;
  const context: BenchContext = {
    isFull,
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
    const result = await RUN[part](context);
    results.push(result);
    print(result);
  }
  const kept = { finishedAt: new Date().toISOString(), machine: machineOf(context), parts: results };
  // The page speaks of whole runs only.
  const file = keepResults(kept, { isFull: isFull && parts.length === PARTS.length });
  console.log(`\nkept in ${path.relative(process.cwd(), file)}`);
}

async function showFarm(context: BenchContext, wanted: number): Promise<void> {
  const farm = await Raft3dCluster.start(3);
  context.onEnd(() => farm.remove());
  await stock(await farm.leader());
  const { jobs, perSecond } = await addJobs(context, farm, wanted);
  console.log(`${jobs.toLocaleString('en-US')} print jobs, ${Math.round(perSecond)} a second`);
  for (const { id, url, dataDirectory } of farm.nodes)
    console.log(`${id}: ${url} (data in ${dataDirectory})`);
  console.log('Ctrl-C ends the farm and removes its data.');
  await Promise.all(farm.nodes.map(({ process }) => process.ended));
}

function print({ title, tables, goals }: PartResult): void {
  console.log(`\n## ${title}\n`);
  for (const table of tables) console.log(`${markdownTable(table)}\n`);
  for (const goal of goals) console.log(`- ${goalLine(goal)}`);
}

function machineOf({ etcdVersion }: BenchContext): Machine {
  return {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    node: process.version,
    etcd: etcdVersion ?? null,
  };
}

async function end(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}
