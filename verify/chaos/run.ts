// One run: starts a cluster and its clients, injects faults, and checks all promises afterwards.

import { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import { Violations } from '../kit/violations.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type Aftermath, audit, PROBE, waitUntilWell } from './audit.ts';
import { Clients } from './clients.ts';
import { Cluster } from './cluster.ts';
import type { Disks } from './disks.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import type { ChaosNetwork } from './network.ts';
import { Observer } from './observer.ts';
import type { Report } from './report.ts';

interface RunOptions {
  readonly network: ChaosNetwork;
  readonly disks: Disks;
  /** The directory of the nodes' logs. The run does not remove it. */
  readonly directory: string;
  /** The built program. */
  readonly main: string;
  readonly historyFile: string;
  readonly faultsMs: number;
  readonly seed: number;
  /** Ends the run at once without a verdict: `runChaos` rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Runs to the end and ends all processes. Rejects when the cluster does not start. */
export async function runChaos(options: RunOptions): Promise<Report> {
  const violations = new Violations();
  const cluster = new Cluster(options);
  const observer = new Observer(cluster, violations);
  const history = new History(options.historyFile);
  const draws = new Draws(options.seed);
  const faults = new Faults({ cluster, observer, violations, draws: draws.fork() });
  const clients = new Clients(cluster.nodes, history, violations);
  const play = async (): Promise<Report> => {
    observer.start();
    cluster.startAll();
    await waitUntilWell(cluster);
    clients.start(draws.fork());
    await faults.run(options.faultsMs);
    await clients.stop();
    const mendedAt = performance.now();
    const aftermath = { cluster, history, violations };
    const isWell = await recovers(aftermath);
    const recoveryMs = performance.now() - mendedAt;
    const counts = isWell ? await audit(aftermath) : { lost: Number.NaN, duplicated: Number.NaN };
    const staleReads = history.staleReads().length;
    const { undecided } = history.check(violations);
    return {
      ...options,
      ...counts,
      nodes: cluster.nodes.length,
      network: options.network.description,
      linkDamage: options.network.linkDamage,
      disks: options.disks.description,
      faults: faults.counts,
      ...faults.tally,
      refusedForRoom: clients.refusedForRoom,
      operations: history.operations,
      acknowledged: history.acknowledged,
      refused: history.refused,
      unknown: history.unknown,
      staleReads,
      recoveryMs,
      undecided,
      workcells: history.workcells.size,
      longestLeaderlessMs: observer.longestLeaderlessMs,
      failoversMs: observer.failoversMs,
      violations: violations.found,
    };
  };
  try {
    return await Promise.race([play(), rejectionOf(options.signal)]);
  } finally {
    await cluster.end();
    await observer.stop();
    await clients.stop();
    history.close();
  }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Waits until every node is well and accepts a write. */
async function recovers({ cluster, violations }: Aftermath): Promise<boolean> {
  try {
    await waitUntilWell(cluster);
    await Promise.all(cluster.nodes.map(takesWrites));
    await waitUntilWell(cluster);
    return true;
  } catch (error) {
    violations.add('recovery', describeError(error));
    return false;
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}

/** Waits until a write through this node succeeds. Its row is not part of the history. */
async function takesWrites(node: NodeProcess): Promise<void> {
  await waitFor(`${node.id} accepts writes again`, async () => {
    const body = { id: `${PROBE}.${node.id}`, company: 'Prusa', model: 'MK4' };
    const headers = { 'idempotency-key': `chaos-probe-${node.id}` };
    return (await node.request('/api/v1/printers', { body, headers })).status === 201;
  });
}
