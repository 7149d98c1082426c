// Counts elections under full load: a leader that is only busy must not be taken for dead.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext } from '../context.ts';
import { runLoad } from '../load.ts';
import type { LoadResult } from '../load-types.ts';
import { coreTicks, memoryOf } from '../processes.ts';
import { Raft3dCluster, type Raft3dNode } from '../raft3d-cluster.ts';
import { atMost, type PartReport, type Table } from '../result.ts';
import { median } from '../statistics.ts';

const CONNECTIONS_A_NODE = 64;
const SECONDS = { full: 600, quick: 20 };
/** The length of one load: each gives a point of the curve. */
const SLICE_SECONDS = { full: 30, quick: 5 };
const LOOK_EVERY_MS = 1_000;
const MEGABYTE = 1e6;

/** The cluster as all nodes report it at one moment. */
interface Look {
  /** The highest term of any node. */
  readonly term: number;
  readonly leader: string;
}

/** The figures of one load, all nodes together. */
interface Slice {
  readonly untilSeconds: number;
  readonly perSecond: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
  readonly residentBytes: number;
}

export async function elections(context: BenchContext, report: PartReport): Promise<void> {
  const seconds = context.isFull ? SECONDS.full : SECONDS.quick;
  const sliceSeconds = context.isFull ? SLICE_SECONDS.full : SLICE_SECONDS.quick;
  report.title(`Elections in ${seconds} seconds of full load`);
  report.text(
    `Writes go to all three nodes over ${CONNECTIONS_A_NODE} connections each. An election is a new term ` +
      'while every process runs and is connected.',
  );
  const cluster = await Raft3dCluster.start(3);
  context.onEnd(() => cluster.remove());
  await cluster.leader();
  const before = await look(cluster);
  const [ticksBefore, linesBefore] = [coreTicks(), leaderlessLines(cluster)];
  let isOver = false;
  const watched = watch(cluster, () => isOver);
  const slices: Slice[] = [];
  try {
    for (let until = sliceSeconds; until <= seconds; until += sliceSeconds) {
      slices.push(await loadSlice(cluster, { sliceSeconds, until }));
      context.tell(`${until} of ${seconds} seconds at full load`);
    }
  } finally {
    isOver = true;
  }
  const looks = await watched;
  const after = await look(cluster);
  const ticks = coreTicks();
  const elections = Math.max(after.term, ...looks.map(({ term }) => term)) - before.term;
  report.table(
    table(slices, {
      elections,
      leaders: new Set([before, ...looks, after].map(({ leader }) => leader).filter(Boolean)).size,
      lostSight: leaderlessLines(cluster) - linesBefore,
      busy: (ticks.busy - ticksBefore.busy) / (ticks.all - ticksBefore.all),
    }),
  );
  const points = (pick: (slice: Slice) => number) =>
    slices.map((slice) => [slice.untilSeconds, pick(slice)] as const);
  const chart = { xLabel: 'seconds', isLogarithmic: false } as const;
  report.chart(
    {
      ...chart,
      title: 'Writes per second at full load',
      yLabel: 'writes/s',
      curves: [{ name: 'three nodes', points: points(({ perSecond }) => perSecond) }],
    },
    {
      ...chart,
      title: 'Resident memory at full load',
      yLabel: 'MB',
      curves: [{ name: 'largest node', points: points(({ residentBytes }) => residentBytes / MEGABYTE) }],
    },
  );
  report.goal(atMost(`elections in ${seconds} s at full load`, elections, 0, ''));
  await cluster.remove();
}

async function loadSlice(
  cluster: Raft3dCluster,
  { sliceSeconds, until }: { sliceSeconds: number; until: number },
): Promise<Slice> {
  const loads = cluster.nodes.map(({ url }) =>
    runLoad({ url, kind: 'printer', connections: CONNECTIONS_A_NODE, seconds: sliceSeconds }),
  );
  const found = await Promise.all(loads);
  const sum = (pick: (result: LoadResult) => number): number =>
    found.reduce((total, result) => total + pick(result), 0);
  return {
    untilSeconds: until,
    perSecond: sum(({ perSecond }) => perSecond),
    p99: Math.max(...found.map(({ p99 }) => p99)),
    max: Math.max(...found.map(({ max }) => max)),
    errors: sum(({ errors }) => errors),
    residentBytes: Math.max(...cluster.nodes.map(({ pid }) => memoryOf(pid).resident)),
  };
}

async function watch(cluster: Raft3dCluster, isOver: () => boolean): Promise<Look[]> {
  const looks: Look[] = [];
  while (!isOver()) {
    looks.push(await look(cluster));
    await sleep(LOOK_EVERY_MS);
  }
  return looks;
}

/** Asks all nodes. A node too busy to answer is left out: its term is in the next look. */
async function look(cluster: Raft3dCluster): Promise<Look> {
  const statuses = await Promise.all(cluster.nodes.map(({ process }) => process.status()));
  const latest = statuses.reduce((a, b) => ((b?.term ?? 0) > (a?.term ?? 0) ? b : a), undefined);
  return { term: latest?.term ?? 0, leader: latest?.leader_id ?? '' };
}

/** Counts how often a node reported that it knows no leader, also without an election. */
function leaderlessLines(cluster: Raft3dCluster): number {
  // The console is read: the log file is full of requests, and may have been rotated.
  const linesOf = ({ process }: Raft3dNode): number => process.output.split('raft: no leader').length - 1;
  return cluster.nodes.reduce((sum, node) => sum + linesOf(node), 0);
}

function table(
  slices: readonly Slice[],
  {
    elections,
    leaders,
    lostSight,
    busy,
  }: { elections: number; leaders: number; lostSight: number; busy: number },
): Table {
  return {
    title: 'All nodes together',
    columns: ['', ''],
    rows: [
      ['elections', elections],
      ['different leaders seen', leaders],
      ['times that a node lost its leader', lostSight],
      ['busy share of all cores', busy],
      ['writes/s, median of the loads', median(slices.map(({ perSecond }) => perSecond))],
      ['writes/s, the last load', slices.at(-1)?.perSecond ?? Number.NaN],
      ['p99 ms, worst load and node', Math.max(...slices.map(({ p99 }) => p99))],
      ['longest write, ms', Math.max(...slices.map(({ max }) => max))],
      ['errors', slices.reduce((sum, { errors }) => sum + errors, 0)],
    ],
  };
}
