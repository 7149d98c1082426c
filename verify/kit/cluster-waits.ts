// What a whole cluster is waited for.

import type { NodeProcess } from './node-process.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

/** Waits until each node sees each of them as a voter, and one and the same leader. */
export async function allAreVoters(nodes: readonly NodeProcess[], options: WaitOptions = {}): Promise<void> {
  const ids = nodes.map(({ id }) => id).join(', ');
  const check = async (): Promise<boolean> => {
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
  };
  await waitFor(`${ids} are voters and know the leader`, check, options);
}

/** The node that all the others take for their leader. */
export async function waitForLeader(
  nodes: readonly NodeProcess[],
  options: WaitOptions = {},
): Promise<NodeProcess> {
  const ids = nodes.map(({ id }) => id).join(', ');
  const check = async (): Promise<NodeProcess | undefined> => {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const [leader, ...others] = new Set(statuses.map((status) => status?.leader_id ?? ''));
    if (others.length > 0) return undefined;
    return nodes.find(({ id }, at) => id === leader && statuses[at]?.is_leader === true);
  };
  return waitFor(`${ids} agree on a leader among them`, check, options);
}
