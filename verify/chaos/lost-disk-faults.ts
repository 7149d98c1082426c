// Faults that damage or remove a disk: one at a time, and only while all other nodes have their votes. Raft
// promises nothing when a majority loses its disks.

import path from 'node:path';
import { unreachable } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import { damageFile } from './damage.ts';
import type { FaultContext } from './fault-context.ts';
import { waitForVote } from './rejoining.ts';

const LOST_DISKS = {
  'damaged log file': 3,
  'disk lost, joins again': 2,
};

const DATA_FILE = 'data.mdb';
/** Includes the check of the data file. */
const START_TIMEOUT_MS = 60_000;
/** The node must report the damage and say what to do. */
const DAMAGE_REPORT = /cannot start: .*damaged.*Move .* away and start .*-join/;

/** Resolves when the node has its vote again. Does nothing when the cluster is not whole. */
export async function injectLostDisk(context: FaultContext, draws: Draws): Promise<void> {
  const { cluster, observer } = context;
  if (!(await context.isWhole())) return;
  const kind = draws.weighted(LOST_DISKS);
  const node = draws.pick(cluster.nodes);
  const old = observer.voterServer(node, node);
  cluster.unsettle(node);
  context.count(kind);
  await cluster.kill(node);
  switch (kind) {
    case 'damaged log file':
      if (await survivesDamage(context, node, draws)) return;
      break;
    case 'disk lost, joins again':
      await context.last(draws);
      break;
    default:
      return unreachable(kind);
  }
  // As in the README: the data directory is removed, and the node is started with -join.
  node.wipe();
  cluster.start(node);
  await waitForVote(context, node, old);
}

/** Returns false when the node has found the damage and ended. */
async function survivesDamage(context: FaultContext, node: NodeProcess, draws: Draws): Promise<boolean> {
  const { cluster, violations, tally } = context;
  const damage = damageFile(path.join(node.dataDirectory, DATA_FILE), draws);
  const written = node.output.length;
  cluster.startDamaged(node);
  const isUp = await waitFor(
    `${node.id} starts or ends`,
    async () => {
      if (!node.isRunning) return 'ended';
      return (await node.status()) !== undefined && 'up';
    },
    { timeoutMs: START_TIMEOUT_MS },
  ).catch(() => 'neither');
  if (isUp === 'up') {
    tally.damageHarmless += 1;
    cluster.expectRunning(node);
    cluster.settle(node);
    return true;
  }
  const { code, signal } = await endOf(node);
  const output = node.output.slice(written);
  if (code !== 1 || !DAMAGE_REPORT.test(output)) {
    violations.add('damage', `${node.id}, ${damage}: ${isUp}, ${code ?? signal}, with\n${output}`);
  } else tally.damageFound += 1;
  return false;
}

async function endOf(node: NodeProcess): Promise<{ code: number | null; signal: string | null }> {
  return node.isRunning ? node.kill() : node.ended;
}
