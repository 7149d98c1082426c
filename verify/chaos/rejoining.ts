// Waits for a node that rejoins as a new incarnation.

import type { NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import type { FaultContext } from './fault-context.ts';

/** Long enough for other faults to end, and for a snapshot. */
const VOTE_TIMEOUT_MS = 90_000;

/**
 * Waits until every node has `node` as a voter under a server id other than `old`. From then on the change is
 * on every disk, and faults may rely on the node's vote.
 */
export async function waitForVote(
  context: FaultContext,
  node: NodeProcess,
  old: string | undefined,
): Promise<void> {
  const { cluster, observer } = context;
  const startedAt = performance.now();
  const isVoter = (): boolean => {
    if (!node.isRunning) throw new Error(`${node.id} has ended`);
    const servers = cluster.nodes.map((observing) => observer.voterServer(observing, node));
    const [server] = servers;
    if (server === undefined || server === old) return false;
    return servers.every((one) => one === server);
  };
  try {
    await waitFor(`${node.id} is a voter again for all nodes`, isVoter, { timeoutMs: VOTE_TIMEOUT_MS });
    context.tally.joinsMs.push(performance.now() - startedAt);
    cluster.settle(node);
  } catch (error) {
    const { message, cause } = error as Error;
    context.violations.add('membership', `${message} (${cause}): ${observer.describe()}`);
  }
}
