// Measures the farm while it grows, at each size ten times as large as the one before.

import type { BenchContext } from '../context.ts';
import { diskBytes, memoryOf } from '../processes.ts';
import type { Chart, Table } from '../result.ts';
import { type LargeFarm, MOST_JOBS_PER_SECOND } from './large-farm.ts';
import { filteredPages, slowest } from './pages.ts';

const FIRST_LOOK_JOBS = 1_000;
const FACTOR = 10;
const CONNECTIONS = 64;
const PAGE_SECONDS = 2;
const MEGABYTE = 1e6;

interface Look {
  readonly jobs: number;
  /** Jobs added a second, from this size on. */
  readonly perSecond: number;
  readonly pageP50: number;
  readonly pageP99: number;
  readonly residentBytes: number;
  readonly diskBytes: number;
}

/** Grows the farm to `wanted` jobs. `perSecond`: the rate on the way to the last size. */
export async function grow(
  context: BenchContext,
  farm: LargeFarm,
  wanted: number,
): Promise<{ looks: Look[]; perSecond: number }> {
  const looks: Look[] = [];
  for (let jobs = FIRST_LOOK_JOBS; jobs < wanted; jobs *= FACTOR) {
    await farm.growTo(jobs, context.tell);
    const secondsLeft = Math.floor((Math.min(wanted, jobs * FACTOR) - farm.jobs) / MOST_JOBS_PER_SECOND);
    looks.push(await look(farm, Math.max(1, Math.min(context.seconds, secondsLeft))));
  }
  const perSecond = await farm.growTo(wanted, context.tell);
  looks.push(await look(farm, context.seconds));
  return { looks, perSecond };
}

async function look(farm: LargeFarm, seconds: number): Promise<Look> {
  const { nodes } = farm.cluster;
  const leader = await farm.cluster.leader();
  const jobs = farm.jobs;
  const pages = await filteredPages(leader, { seconds: PAGE_SECONDS, belowJob: farm.nextNumber });
  const largest = (of: (node: (typeof nodes)[number]) => number): number => Math.max(...nodes.map(of));
  const [residentBytes, bytes] = [
    largest(({ pid }) => memoryOf(pid).resident),
    largest(({ dataDirectory }) => diskBytes(dataDirectory)),
  ];
  const { perSecond } = await farm.addFor(leader, { seconds, connections: CONNECTIONS });
  return {
    jobs,
    perSecond,
    pageP50: slowest(pages, 'p50'),
    pageP99: slowest(pages, 'p99'),
    residentBytes,
    diskBytes: bytes,
  };
}

export function growthTable(looks: readonly Look[]): Table {
  return {
    title: `By print jobs: jobs added over ${CONNECTIONS} connections from there on, and the slowest filter of pages`,
    columns: ['jobs', 'writes/s', 'page p50 ms', 'page p99 ms', 'resident MB', 'data directory MB'],
    rows: looks.map(({ jobs, perSecond, pageP50, pageP99, residentBytes, diskBytes }) => [
      jobs,
      perSecond,
      pageP50,
      pageP99,
      residentBytes / MEGABYTE,
      diskBytes / MEGABYTE,
    ]),
  };
}

export function growthCharts(looks: readonly Look[]): Chart[] {
  const chart = (
    title: string,
    yLabel: string,
    curves: Readonly<Record<string, (look: Look) => number>>,
  ) => ({
    title,
    xLabel: 'print jobs',
    yLabel,
    isLogarithmic: true,
    curves: Object.entries(curves).map(([name, pick]) => {
      return { name, points: looks.map((look) => [look.jobs, pick(look)] as const) };
    }),
  });
  return [
    chart('Writes per second by print jobs', 'writes/s', { raft3d: ({ perSecond }) => perSecond }),
    chart('A page of 50 jobs by print jobs', 'ms', {
      p50: ({ pageP50 }) => pageP50,
      p99: ({ pageP99 }) => pageP99,
    }),
    chart('Memory and disk of a node by print jobs', 'MB', {
      resident: ({ residentBytes }) => residentBytes / MEGABYTE,
      disk: ({ diskBytes }) => diskBytes / MEGABYTE,
    }),
  ];
}
