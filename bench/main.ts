// The command `npm run bench`: how fast, how large, and against what.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CodedError } from '../src/shared/coded-error.ts';
import { PROJECT_ROOT } from '../test/support/project-root.ts';
import { type BenchArguments, type PartName, parseArguments } from './arguments.ts';
import type { BenchContext } from './context.ts';
import { etcdVersion } from './etcd-cluster.ts';
import { hasWrk } from './load.ts';
import { forwarded } from './parts/forwarded.ts';
import { reads } from './parts/reads.ts';
import { writes } from './parts/writes.ts';
import { goalLine, markdownTable, type PartResult } from './result.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const FULL = { repetitions: 3, seconds: 10 };
const QUICK = { repetitions: 1, seconds: 4 };

const RUN: Readonly<Record<PartName, (context: BenchContext) => Promise<PartResult>>> = {
  writes,
  reads,
  forwarded,
};

const given = readArguments();
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

async function run({ isFull, parts, seconds }: BenchArguments): Promise<void> {
  if (!hasWrk()) throw new CodedError('no_wrk', 'wrk is not installed: apt-get install wrk');
  const size = isFull ? FULL : QUICK;
  const context: BenchContext = {
    isFull,
    repetitions: size.repetitions,
    seconds: seconds ?? size.seconds,
    etcdVersion: etcdVersion(),
    tell: (line) => console.error(`… ${line}`),
    onEnd: (cleanup) => cleanups.push(cleanup),
  };
  if (context.etcdVersion === undefined) console.error('etcd is not installed: nothing is compared with it');
  const results: PartResult[] = [];
  for (const part of parts) {
    const result = await RUN[part](context);
    results.push(result);
    print(result);
  }
  keep(results, context);
}

function print({ title, tables, goals }: PartResult): void {
  console.log(`\n## ${title}\n`);
  for (const table of tables) console.log(`${markdownTable(table)}\n`);
  for (const goal of goals) console.log(`- ${goalLine(goal)}`);
}

function keep(parts: readonly PartResult[], { isFull, etcdVersion }: BenchContext): void {
  const directory = path.join(PROJECT_ROOT, 'bench', 'results');
  fs.mkdirSync(directory, { recursive: true });
  const machine = {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    node: process.version,
    etcd: etcdVersion ?? null,
  };
  const file = path.join(directory, isFull ? 'full.json' : 'quick.json');
  fs.writeFileSync(
    file,
    `${JSON.stringify({ finishedAt: new Date().toISOString(), machine, parts }, undefined, 1)}\n`,
  );
  console.log(`\nkept in ${path.relative(process.cwd(), file)}`);
}

async function end(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

function readArguments(): BenchArguments {
  try {
    return parseArguments(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    console.error(error.message);
    process.exit(EXIT_USAGE);
  }
}
