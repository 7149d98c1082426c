// Waits for conditions of a whole cluster.

import type { NodeProcess, NodeStatus } from './node-process.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

/** Waits until every node answers, sees all of them as voters, and names the same leader. */
export async function allAreVoters(nodes: readonly NodeProcess[], options: WaitOptions = {}): Promise<void> {
  const check = async (): Promise<boolean> => {
    const ended = nodes.find((node) => !node.isRunning);
    if (ended !== undefined) throw new Error(`${ended.id} has ended`);
    const statuses = await Promise.all(nodes.map((node) => node.statusNow()));
    return agreedLeader(statuses) !== undefined && statuses.every((status) => nodes.every(isVoterIn(status)));
  };
  await waitFor(`${idsOf(nodes)} are voters and know the leader`, check, options);
}

/** Waits until every node answers and names the same leader, and returns it. It must be one of the nodes. */
export function waitForLeader(
  nodes: readonly NodeProcess[],
  options: WaitOptions = {},
): Promise<NodeProcess> {
  const check = async (): Promise<NodeProcess | undefined> => {
    const statuses = await Promise.all(nodes.map((node) => node.statusNow()));
    const leader = agreedLeader(statuses);
    const isLeading = statuses.some(({ node_id, is_leader }) => node_id === leader && is_leader);
    return isLeading ? nodes.find(({ id }) => id === leader) : undefined;
  };
  return waitFor(`${idsOf(nodes)} agree on a leader among them`, check, options);
}

/** Returns the leader that every node names, or undefined. */
function agreedLeader(statuses: readonly NodeStatus[]): string | undefined {
  const [leader, ...others] = new Set(statuses.map((status) => status.leader_id));
  return leader === '' || others.length > 0 ? undefined : leader;
}

function isVoterIn({ nodes }: NodeStatus): (node: NodeProcess) => boolean {
  return ({ id }) => nodes.some((member) => member.id === id && member.role === 'voter');
}

function idsOf(nodes: readonly NodeProcess[]): string {
  return nodes.map(({ id }) => id).join(', ');
}
