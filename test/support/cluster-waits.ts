// What a whole cluster is waited for.

import type { NodeProcess } from './node-process.ts';
import { waitFor } from './wait-for.ts';

/** Waits until each node sees each of them as a voter, and one and the same leader. */
export async function allAreVoters(nodes: readonly NodeProcess[]): Promise<void> {
  await waitFor(`${nodes.map(({ id }) => id).join(', ')} are voters and know the leader`, async () => {
    for (const node of nodes) {
      if (!node.isRunning) throw new Error(`${node.id} has ended`);
    }
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const leaders = new Set(statuses.map((status) => status?.leader_id ?? ''));
    return (
      leaders.size === 1 &&
      !leaders.has('') &&
      statuses.every((status) =>
        nodes.every(({ id }) => status?.nodes.some((member) => member.id === id && member.role === 'voter')),
      )
    );
  });
}

/** The node that all the others take for their leader. */
export async function waitForLeader(nodes: readonly NodeProcess[]): Promise<NodeProcess> {
  return waitFor(`${nodes.map(({ id }) => id).join(', ')} agree on a leader among them`, async () => {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const [leader, ...others] = new Set(statuses.map((status) => status?.leader_id ?? ''));
    if (others.length > 0) return undefined;
    return nodes.find(({ id }, at) => id === leader && statuses[at]?.is_leader === true);
  });
}
