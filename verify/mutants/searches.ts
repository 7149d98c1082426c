// Runs the simulator and the explorer on a working copy, each in its own process.

import { CodedError } from '../../src/shared/coded-error.ts';
import { runNode } from './child-run.ts';
import type { Mutant } from './mutant.ts';
import type { Finding } from './worker.ts';

/** The code that the simulator runs: the pure rooms. */
const SIMULATED = /^src\/(?:shared|state|farm|engines\/raft\/(?:core|codec|node))\//;
const EXPLORED = /^src\/engines\/raft\/core\//;
/** Time for the process to start, and for a last seed that begins just before the time is over. */
const GRACE_SECONDS = 30;
const LOAD_SECONDS = 60;

export function isSimulated({ file }: Mutant): boolean {
  return SIMULATED.test(file);
}

export function isExplored({ file }: Mutant): boolean {
  return EXPLORED.test(file);
}

/** Runs seeds 1, 2, … for `seconds`. A run that does not end is no finding: it names no property. */
export function simulate(directory: string, seconds: number): Promise<Finding> {
  return search(directory, { task: ['simulate', `${seconds}`], seconds });
}

/** Runs seeds 1 to `seeds`, however long that takes. */
export function simulateSeeds(directory: string, seeds: number): Promise<Finding> {
  return search(directory, { task: ['simulate', '0', `${seeds}`], seconds: 10 * seeds });
}

export function explore(directory: string, seconds: number): Promise<Finding> {
  // Two of the situations may take as long as all others together.
  return search(directory, { task: ['explore', `${seconds}`], seconds: 3 * seconds });
}

/** Throws CodedError `mutant_invalid` when the changed file does not load. */
export async function expectLoads(directory: string, mutant: Mutant): Promise<void> {
  const end = await runNode(worker(['load', mutant.file]), { directory, boundSeconds: LOAD_SECONDS });
  if (end.code === 0) return;
  throw new CodedError('mutant_invalid', `mutant ${mutant.id} does not load:\n${end.stderr}`);
}

async function search(
  directory: string,
  { task, seconds }: { task: readonly string[]; seconds: number },
): Promise<Finding> {
  const end = await runNode(worker(task), { directory, boundSeconds: seconds + GRACE_SECONDS });
  const line = end.stdout.trim().split('\n').at(-1) ?? '';
  if (end.code === 0 && line.startsWith('{')) return JSON.parse(line) as Finding;
  // The process did not end in time, or failed without a violation: this says nothing about the mutant.
  return { property: undefined, runs: 0, seconds: end.seconds };
}

function worker(task: readonly string[]): string[] {
  return ['--enable-source-maps', '--import', 'tsx', 'verify/mutants/worker.ts', ...task];
}
