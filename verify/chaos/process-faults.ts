// Processes that die or stand still, and come back with their disks.

import { unreachable } from '../../src/shared/assert.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { Draws } from '../sim/draws.ts';
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

/** Settles when every node that it hit was started or goes on again. Leaves out nodes that another fault has in hand. */
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

/** All at the same time; each comes back after a while of its own. */
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

/** The next node ends only when this one answers again, or has had time enough. */
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
