// The command `npm run chaos`: runs a real cluster under faults of processes, networks and disks.

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../kit/command-options.ts';
import { Draws } from '../kit/draws.ts';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { type ChaosArguments, parseArguments } from './arguments.ts';
import { Disks } from './disks.ts';
import { createNamespaces, deleteNamespaces, NamespaceNetwork, namespacesOf } from './namespace-network.ts';
import type { ChaosNetwork } from './network.ts';
import { ProxyNetwork } from './proxy-network.ts';
import { formatReport } from './report.ts';
import { runChaos } from './run.ts';

const EXIT_VIOLATED = 1;
/** The name of this run's namespaces, set in the process that runs within the hub. */
const INSIDE = 'RAFT3D_CHAOS_NAMESPACES';

const given = readCommandLine(process, (texts) => parseArguments(texts, Math.floor(Date.now() / 1_000)));
const nodeIds = Array.from({ length: given.nodes }, (_, at) => `node${at + 1}`);
/** Draws for losses and delays on links, separate from the run's other draws. */
const networkDraws = new Draws(given.seed).fork();
const inside = process.env[INSIDE];
if (inside !== undefined) {
  await run(given, await NamespaceNetwork.start(namespacesOf(inside, nodeIds), networkDraws));
} else if (given.network === 'proxy' || !(await runInNamespaces())) {
  await run(given, await ProxyNetwork.start(nodeIds, networkDraws));
}

/**
 * Runs this command within the hub, and takes its exit code. Returns false where namespaces cannot be made.
 */
async function runInNamespaces(): Promise<boolean> {
  const name = `raft3d-chaos-${process.pid}`;
  const namespaces = namespacesOf(name, nodeIds);
  try {
    await createNamespaces(namespaces);
  } catch (error) {
    if (given.network === 'namespaces') throw error;
    return false;
  }
  try {
    const { hub } = namespaces;
    const command = [
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1),
      '--seed',
      `${given.seed}`,
    ];
    const child = spawn('ip', ['netns', 'exec', hub, ...command], {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: name },
    });
    process.exitCode = await exitCodeOf(child);
  } finally {
    await deleteNamespaces(namespaces);
  }
  return true;
}

/** Waits for the child's exit code. Signals to this process are passed on to the child. */
function exitCodeOf(child: ChildProcess): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT_VIOLATED));
  });
}

async function run(given: ChaosArguments, network: ChaosNetwork): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-chaos-'));
  const disks = new Disks(directory, nodeIds);
  console.log(`seed ${given.seed}, ${network.description}; ${disks.description}`);
  let isClean = false;
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interruption.abort(new Error(`ended by ${signal}`)));
  }
  try {
    const { faultsMs, seed } = given;
    const historyFile = given.historyFile ?? path.join(directory, 'history.jsonl');
    const main = copyProgram(directory);
    const report = await runChaos({
      network,
      disks,
      directory,
      main,
      historyFile,
      faultsMs,
      seed,
      signal: interruption.signal,
    });
    console.log(formatReport(report));
    isClean = report.violations.length === 0;
  } catch (error) {
    console.error(error);
  } finally {
    await network.close();
    disks.unmount({ keep: !isClean });
    if (isClean) fs.rmSync(directory, { recursive: true });
    else process.exitCode = EXIT_VIOLATED;
    if (fs.existsSync(directory)) console.error(`files of the run: ${directory}`);
    // The interrupted run would go on until it fails.
    if (interruption.signal.aborted) process.exit();
  }
}

/** Copies the built program: a build during the run must not change the program that nodes restart with. */
function copyProgram(directory: string): string {
  const program = path.join(directory, 'program');
  fs.cpSync(path.join(PROJECT_ROOT, 'dist'), path.join(program, 'dist'), { recursive: true });
  fs.copyFileSync(path.join(PROJECT_ROOT, 'package.json'), path.join(program, 'package.json'));
  fs.symlinkSync(path.join(PROJECT_ROOT, 'node_modules'), path.join(program, 'node_modules'));
  return path.join(program, 'dist', 'server', 'main.js');
}
