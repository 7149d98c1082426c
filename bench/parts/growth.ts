// Curves: throughput by nodes and by size of a command.

import { type BenchContext, type Measurement, measure } from '../context.ts';
import { post } from '../large-farm.ts';
import { Raft3dCluster } from '../raft3d-cluster.ts';
import type { PartResult } from '../result.ts';

const NODES = { full: [1, 3, 5, 7], quick: [1, 3] };
/** The longest path that the farm takes makes a body of 16 KB. */
const SIZES = { full: [111, 1_000, 4_000, 16_000], quick: [111, 16_000] };
const CONNECTIONS = 64;

export async function growth(context: BenchContext): Promise<PartResult> {
  const byNodes: [number, Measurement][] = [];
  for (const count of context.isFull ? NODES.full : NODES.quick) {
    context.tell(`${count} nodes`);
    byNodes.push([count, await onCluster(context, count, undefined)]);
  }
  const bySize: [number, Measurement][] = [];
  for (const bytes of context.isFull ? SIZES.full : SIZES.quick) {
    context.tell(`commands of ${bytes} bytes`);
    bySize.push([bytes, await onCluster(context, 3, bytes)]);
  }
  const table = (title: string, first: string, rows: readonly [number, Measurement][]) => ({
    title,
    columns: [first, 'writes/s', 'p50 ms', 'p99 ms', 'leader µs/write', 'follower µs/write'],
    rows: rows.map(([x, { perSecond, p50, p99, leaderMicros, followerMicros }]) => [
      x,
      perSecond,
      p50,
      p99,
      leaderMicros,
      followerMicros,
    ]),
  });
  const chart = (
    title: string,
    xLabel: string,
    isLogarithmic: boolean,
    rows: readonly [number, Measurement][],
  ) => ({
    title,
    xLabel,
    yLabel: 'writes/s',
    isLogarithmic,
    curves: [{ name: 'raft3d', points: rows.map(([x, { perSecond }]) => [x, perSecond] as const) }],
  });
  return {
    part: 'growth',
    title: `Growth, over ${CONNECTIONS} connections to the leader`,
    tables: [
      table('By nodes, all on these cores', 'nodes', byNodes),
      table('By size of a command, three nodes', 'bytes', bySize),
    ],
    charts: [
      chart('Writes per second by nodes', 'nodes', false, byNodes),
      chart('Writes per second by size of a command', 'bytes', true, bySize),
    ],
    goals: [],
  };
}

/** Printers, or jobs whose path makes the command about so long. */
async function onCluster(
  context: BenchContext,
  nodes: number,
  bytes: number | undefined,
): Promise<Measurement> {
  const cluster = await Raft3dCluster.start(nodes);
  context.onEnd(() => cluster.remove());
  const leader = await cluster.leader();
  if (bytes !== undefined) {
    await post(leader, '/api/v1/printers', { id: 'printer', company: 'Prusa Research', model: 'MK4S' });
    const spool = { id: 'spool', type: 'PLA', color: 'Red', total_weight_in_grams: 1_000_000_000 };
    await post(leader, '/api/v1/filaments', spool);
  }
  const load = {
    url: leader.url,
    kind: bytes === undefined ? 'printer' : 'padded',
    connections: CONNECTIONS,
    seconds: context.seconds,
    ...(bytes !== undefined && { path: String(bytes) }),
  } as const;
  await measure(cluster, leader, load);
  const found = await measure(cluster, leader, load);
  await cluster.remove();
  return found;
}
