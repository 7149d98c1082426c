// All nodes are killed while they write, and started at once: how long until they serve, and until they write again.

import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiRequest } from '../../kit/api-request.ts';
import type { Raft3dNode } from '../raft3d-cluster.ts';
import type { Table } from '../result.ts';
import { medianOf } from '../statistics.ts';
import type { LargeFarm } from './large-farm.ts';

const CONNECTIONS = 64;
const LOAD_SECONDS = 2;
const KILL_AFTER_MS = 1_000;
const POLL_MS = 5;
/** How often a node that does not listen yet is tried: a request each time would take a third of a core from the nodes. */
const KNOCK_MS = 10;
/** A node that has no leader yet lets a request wait: longer than it ever does. */
const ANSWER_TIMEOUT_MS = 30_000;
const PATIENCE_MS = 600_000;
const PRINTER = '/api/v1/printers/printer-0001';

/** Milliseconds since the processes were started. */
export type Restart = {
  /** The last node has answered a read of a resource, possibly stale. */
  readonly serving: number;
  /** The same of a linearizable one. */
  readonly linearizable: number;
  /** The first write was acknowledged, by any node. */
  readonly firstWrite: number;
};

let restarts = 0;

export async function restartAll(farm: LargeFarm): Promise<Restart> {
  const { cluster } = farm;
  const leader = await cluster.leader();
  const load = farm.updateFor(leader, { seconds: LOAD_SECONDS, connections: CONNECTIONS });
  // Its connections break, and what it counts is of no interest.
  const loadEnded = load.catch(() => undefined);
  await sleep(KILL_AFTER_MS);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await loadEnded;
  restarts += 1;
  const startedAt = performance.now();
  for (const { process } of cluster.nodes) process.start();
  const found = await Promise.all(cluster.nodes.map((node) => timesOf(node, startedAt)));
  await cluster.leader();
  return {
    serving: Math.max(...found.map(({ serving }) => serving)),
    linearizable: Math.max(...found.map(({ linearizable }) => linearizable)),
    firstWrite: Math.min(...found.map(({ firstWrite }) => firstWrite)),
  };
}

async function timesOf(node: Raft3dNode, startedAt: number): Promise<Restart> {
  await untilListening(node, startedAt);
  const serving = await untilDone(node, startedAt, () => isRead(node, `${PRINTER}?consistency=stale`));
  const [linearizable, firstWrite] = await Promise.all([
    untilDone(node, startedAt, () => isRead(node, PRINTER)),
    untilDone(node, startedAt, () => isWritten(node)),
  ]);
  return { serving, linearizable, firstWrite };
}

async function untilListening({ id, url, process }: Raft3dNode, startedAt: number): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    if (!process.isRunning) throw new Error(`${id} ended instead of starting`);
    const socket = net.connect(Number(port), hostname);
    const isListening = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isListening) return;
    if (performance.now() - startedAt > PATIENCE_MS)
      throw new Error(`${id} did not listen within ${PATIENCE_MS / 1_000} s`);
    await sleep(KNOCK_MS);
  }
}

async function isRead({ url }: Raft3dNode, path: string): Promise<boolean> {
  return (await apiRequest(`${url}${path}`, { timeoutMs: ANSWER_TIMEOUT_MS })).status === 200;
}

let writes = 0;

async function isWritten({ url }: Raft3dNode): Promise<boolean> {
  writes += 1;
  const body = { id: `after-restart-${restarts}-${writes}`, company: 'Prusa Research', model: 'MK4S' };
  const { status } = await apiRequest(`${url}/api/v1/printers`, { body, timeoutMs: ANSWER_TIMEOUT_MS });
  return status === 201;
}

async function untilDone(
  { id, process }: Raft3dNode,
  startedAt: number,
  attempt: () => Promise<boolean>,
): Promise<number> {
  for (;;) {
    if (!process.isRunning) throw new Error(`${id} ended instead of starting`);
    // Nobody listens yet, or the answer was an error: it is asked again.
    const isDone = await attempt().catch(() => false);
    const took = performance.now() - startedAt;
    if (isDone) return took;
    if (took > PATIENCE_MS) throw new Error(`${id} did not serve within ${PATIENCE_MS / 1_000} s`);
    await sleep(POLL_MS);
  }
}

export function restartTable(found: readonly Restart[]): Table {
  const middle = medianOf(found);
  const longest = (of: (restart: Restart) => number): number => Math.max(...found.map(of));
  const row = (name: string, of: (restart: Restart) => number) => [name, of(middle), longest(of)];
  return {
    title: `All nodes killed while they write, and started at once; ${found.length} times, files in the page cache; ms`,
    columns: ['', 'median', 'longest'],
    rows: [
      row('until each node has answered a read of a resource, possibly stale', ({ serving }) => serving),
      row('until each node has answered a linearizable one', ({ linearizable }) => linearizable),
      row('until the first acknowledged write', ({ firstWrite }) => firstWrite),
    ],
  };
}
