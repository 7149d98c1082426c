// Faults of processes: they are killed, paused or restarted, and keep their disks.

import { unreachable } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { FaultContext } from './fault-context.ts';

const PROCESS_FAULTS = {
  'kill -9 of the leader': 4,
  'kill -9 of a follower': 3,
  'kill -9 of a majority': 2,
  'kill -9 of all': 2,
  'SIGSTOP of the leader': 3,
  'SIGSTOP of a follower': 2,
  'rolling restart': 1,
};
const LEADER_WAIT_MS = 5_000;
const RESTART_WAIT_MS = 10_000;

/** Resolves when every affected node is started or resumed again. Spares nodes that another fault affects. */
export async function injectProcessFault(context: FaultContext, draws: Draws): Promise<void> {
  const { cluster } = context;
  const kind = draws.weighted(PROCESS_FAULTS);
  const leader = await context.leader(draws);
  context.count(kind);
  switch (kind) {
    case 'kill -9 of the leader':
      return kill(context, [leader], draws);
    case 'kill -9 of a follower':
      return kill(context, [context.follower(leader, draws)], draws);
    case 'kill -9 of a majority':
      return kill(context, draws.sample(cluster.freeNodes, cluster.majority), draws);
    case 'kill -9 of all':
      return kill(context, cluster.freeNodes, draws);
    case 'SIGSTOP of the leader':
      return pause(context, leader, draws);
    case 'SIGSTOP of a follower':
      return pause(context, context.follower(leader, draws), draws);
    case 'rolling restart':
      return restartEach(context);
    default:
      return unreachable(kind);
  }
}

/** Kills all nodes at once, and starts each one after its own delay. */
async function kill(context: FaultContext, nodes: readonly NodeProcess[], draws: Draws): Promise<void> {
  const { cluster } = context;
  await Promise.all(nodes.map((node) => cluster.kill(node)));
  await Promise.all(
    nodes.map(async (node) => {
      await context.last(draws);
      cluster.start(node);
    }),
  );
}

async function pause(context: FaultContext, node: NodeProcess, draws: Draws): Promise<void> {
  context.cluster.pause(node);
  await context.last(draws);
  context.cluster.resume(node);
}

/** Restarts one node after the other, and waits for each to answer, up to a bound. */
async function restartEach(context: FaultContext): Promise<void> {
  const { cluster, observer } = context;
  for (const node of cluster.nodes) {
    if (!cluster.isFree(node)) continue;
    await cluster.stop(node);
    cluster.start(node);
    await context.patiently(RESTART_WAIT_MS, () => cluster.works(node));
    await context.patiently(LEADER_WAIT_MS, () => observer.leader !== undefined);
  }
}
