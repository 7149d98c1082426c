// Measures how soon the cluster serves and writes again, after all nodes were killed during writes.

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
/** The interval of connection attempts before a node listens: requests would take a third of a core. */
const KNOCK_MS = 10;
/** Longer than a node lets a request wait for a leader. */
const ANSWER_TIMEOUT_MS = 30_000;
const PATIENCE_MS = 600_000;
const PRINTER = '/api/v1/printers/printer-0001';

/** Milliseconds since the processes were started. */
export type Restart = {
  /** Until every node has answered a possibly stale read. */
  readonly serving: number;
  /** Until every node has answered a linearizable read. */
  readonly linearizable: number;
  /** Until any node has acknowledged a write. */
  readonly firstWrite: number;
};

let restarts = 0;

export async function restartAll(farm: LargeFarm): Promise<Restart> {
  const { cluster } = farm;
  const leader = await cluster.leader();
  const load = farm.updateFor(leader, { seconds: LOAD_SECONDS, connections: CONNECTIONS });
  // The load's connections break, and its counts are not used.
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
    // The attempt is repeated after an error.
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
      row('until every node has answered a possibly stale read', ({ serving }) => serving),
      row('until every node has answered a linearizable read', ({ linearizable }) => linearizable),
      row('until the first acknowledged write', ({ firstWrite }) => firstWrite),
    ],
  };
}
