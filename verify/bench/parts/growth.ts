// Measures throughput and latency by the number of nodes and by the size of a command.

import { type BenchContext, type Measurement, measure } from '../context.ts';
import { post } from '../large/large-farm.ts';
import { Raft3dCluster } from '../raft3d-cluster.ts';
import type { Chart, PartReport, Table } from '../result.ts';

const NODES = { full: [1, 3, 5, 7], quick: [1, 3] };
const SIZES = { full: [111, 1_000, 4_000, 16_000], quick: [111, 16_000] };
const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;

type Found = readonly (readonly [x: number, Measurement])[];

export async function growth(context: BenchContext, report: PartReport): Promise<void> {
  report.title(`Growth, over ${CONNECTIONS} connections to the leader`);
  report.text(
    "Commands are measured up to 16 KB: the longest command that the API accepts has a job's path of 4,096 characters, " +
      'four bytes each.',
  );
  const byNodes: [number, Measurement][] = [];
  for (const count of context.isFull ? NODES.full : NODES.quick) {
    context.tell(`${count} node${count === 1 ? '' : 's'}`);
    byNodes.push([count, await onCluster(context, count, undefined)]);
  }
  report.table(table('By nodes, all on these cores', 'nodes', byNodes));
  report.chart(...charts('nodes', { xLabel: 'nodes', isLogarithmic: false }, byNodes));
  const bySize: [number, Measurement][] = [];
  for (const bytes of context.isFull ? SIZES.full : SIZES.quick) {
    context.tell(`commands of ${bytes} bytes`);
    bySize.push([bytes, await onCluster(context, 3, bytes)]);
  }
  report.table(table('By size of a command, three nodes', 'bytes', bySize));
  report.chart(...charts('size of a command', { xLabel: 'bytes', isLogarithmic: true }, bySize));
}

function table(title: string, first: string, found: Found): Table {
  return {
    title,
    columns: [
      first,
      'writes/s',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'leader µs/write',
      'follower µs/write',
      'errors',
    ],
    rows: found.map(([x, { perSecond, p50, p99, p999, leaderMicros, followerMicros, errors }]) => [
      x,
      perSecond,
      p50,
      p99,
      p999,
      leaderMicros,
      followerMicros,
      errors,
    ]),
  };
}

function charts(what: string, axis: Pick<Chart, 'xLabel' | 'isLogarithmic'>, found: Found): Chart[] {
  const curve = (name: string, pick: (measurement: Measurement) => number) => {
    return { name, points: found.map(([x, measurement]) => [x, pick(measurement)] as const) };
  };
  return [
    {
      ...axis,
      title: `Writes per second by ${what}`,
      yLabel: 'writes/s',
      curves: [curve('raft3d', ({ perSecond }) => perSecond)],
    },
    {
      ...axis,
      title: `Latency by ${what}`,
      yLabel: 'ms',
      curves: [curve('p50', ({ p50 }) => p50), curve('p99', ({ p99 }) => p99)],
    },
  ];
}

/** Writes printers, or jobs whose path makes the command about `bytes` long. */
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
  await measure(cluster, leader, { ...load, seconds: Math.min(context.seconds, WARM_UP_SECONDS) });
  const found = await measure(cluster, leader, load);
  await cluster.remove();
  return found;
}
