// A farm with a million print jobs: memory, disk, speed, start and snapshots, beside one that is empty.

import { waitFor } from '../../test/support/wait-for.ts';
import { followersOf } from '../cluster.ts';
import { type BenchContext, inTurns, measure, ratio } from '../context.ts';
import { addJobs, logicalBytes, stock } from '../large-farm.ts';
import { type LoadResult, runLoad } from '../load.ts';
import { diskBytes, residentBytes } from '../processes.ts';
import { Raft3dCluster, type Raft3dNode } from '../raft3d-cluster.ts';
import type { Goal, PartResult, Table } from '../result.ts';

const JOBS = { full: 1_000_000, quick: 20_000 };
const CONNECTIONS = 64;
const MEGABYTE = 1e6;
/** Enough to see what a list, or a snapshot, does to others. */
const PROBE_SECONDS = 5;

const FILTERS = {
  status: 'status=Queued',
  printer: 'printer_id=printer-0123',
  filament: 'filament_id=spool-00861',
  'printer and status': 'printer_id=printer-0123&status=Queued',
} as const;

interface Findings {
  readonly emptyRss: number;
  readonly rss: number;
  readonly anonymousRss: number;
  readonly jobs: number;
  readonly diskBytes: number;
  readonly writeRatio: number;
  readonly slowestPage: number;
  readonly stalls: { readonly list: number; readonly snapshot: number };
  readonly startMs: number;
  readonly firstWriteMs: number;
  readonly snapshotBytesPerSecond: number;
  readonly writeRatioUnderSnapshot: number;
}

export async function large(context: BenchContext): Promise<PartResult> {
  const farm = await Raft3dCluster.start(3);
  context.onEnd(() => farm.remove());
  const emptyRss = Math.max(...farm.nodes.map(({ pid }) => residentBytes(pid).now));
  await stock(await farm.leader());
  const { jobs, perSecond } = await addJobs(context, farm, context.isFull ? JOBS.full : JOBS.quick);
  const memory = farm.nodes.map(({ pid }) => residentBytes(pid));
  const size = Math.max(...farm.nodes.map(({ dataDirectory }) => diskBytes(dataDirectory)));
  const writes = await writeRates(context, farm);
  const pages = await filteredPages(context, farm);
  const listStall = await stallWhile(farm, async (leader) => {
    for await (const _ of (await fetch(`${leader.url}/api/v1/print_jobs`)).body ?? []);
  });
  context.tell('all nodes killed and started again');
  const { startMs, firstWriteMs } = await restartAll(farm);
  context.tell('a follower with a new disk');
  const snapshot = await catchUp(farm);
  await farm.remove();
  const findings: Findings = {
    emptyRss,
    rss: Math.max(...memory.map(({ now }) => now)),
    anonymousRss: Math.max(...memory.map(({ anonymous }) => anonymous)),
    jobs,
    diskBytes: size,
    writeRatio: ratio(writes.get('large')?.perSecond, writes.get('empty')?.perSecond),
    slowestPage: Math.max(...[...pages.values()].map(({ p99 }) => p99)),
    stalls: { list: listStall, snapshot: snapshot.stallMs },
    startMs,
    firstWriteMs,
    snapshotBytesPerSecond: snapshot.bytesPerSecond,
    writeRatioUnderSnapshot: snapshot.writeRatio,
  };
  return {
    part: 'large',
    title: `A farm of ${jobs.toLocaleString('en-US')} print jobs`,
    tables: tables(findings, { perSecond, writes, pages }),
    charts: [],
    goals: goals(findings),
  };
}

/** Writes of printers to the large farm and to an empty one, in turns. */
async function writeRates(context: BenchContext, farm: Raft3dCluster): Promise<Map<string, LoadResult>> {
  context.tell('writes beside an empty farm');
  const empty = await Raft3dCluster.start(3);
  context.onEnd(() => empty.remove());
  const contender = async (name: string, cluster: Raft3dCluster) => {
    const leader = await cluster.leader();
    const load = {
      url: leader.url,
      kind: 'printer',
      connections: CONNECTIONS,
      seconds: context.seconds,
    } as const;
    return { name, measure: () => measure(cluster, leader, load) };
  };
  const contenders = [await contender('empty', empty), await contender('large', farm)];
  for (const { measure } of contenders) await measure();
  const found = await inTurns(context, contenders);
  await empty.remove();
  return found;
}

async function filteredPages(context: BenchContext, farm: Raft3dCluster): Promise<Map<string, LoadResult>> {
  context.tell('filtered pages');
  const { url } = await farm.leader();
  const found = new Map<string, LoadResult>();
  for (const [name, filter] of Object.entries(FILTERS)) {
    const path = `/api/v1/print_jobs?limit=50&${filter}`;
    const load = {
      url,
      kind: 'page',
      connections: 1,
      seconds: Math.min(context.seconds, PROBE_SECONDS),
      path,
    } as const;
    found.set(name, await runLoad(load));
  }
  return found;
}

/** The longest that a small read on the leader took while something large went on. */
async function stallWhile(
  farm: Raft3dCluster,
  action: (leader: Raft3dNode) => Promise<unknown>,
): Promise<number> {
  const leader = await farm.leader();
  const path = '/api/v1/printers/printer-0001?consistency=stale';
  const running = action(leader);
  const probe = await runLoad({ url: leader.url, kind: 'get', connections: 1, seconds: PROBE_SECONDS, path });
  await running;
  return probe.max;
}

async function restartAll(farm: Raft3dCluster): Promise<{ startMs: number; firstWriteMs: number }> {
  await Promise.all(farm.nodes.map((node) => node.kill()));
  const start = performance.now();
  const serving = Promise.all(farm.nodes.map((node) => node.start())).then(() => performance.now() - start);
  const written = Promise.race(
    farm.nodes.map(async (node, at) => {
      await waitFor(
        'a write is acknowledged',
        () => farm.write(node, `after-restart-${at}`, { timeoutMs: 10_000 }).catch(() => false),
        { intervalMs: 5, timeoutMs: 120_000 },
      );
      return performance.now() - start;
    }),
  );
  const [startMs, firstWriteMs] = await Promise.all([serving, written]);
  await farm.leader();
  return { startMs, firstWriteMs };
}

/** A follower loses its disk under a load of writes, and gets all from the others again. */
async function catchUp(
  farm: Raft3dCluster,
): Promise<{ bytesPerSecond: number; writeRatio: number; stallMs: number }> {
  const leader = await farm.leader();
  const [follower] = followersOf(farm, leader) as Raft3dNode[];
  if (follower === undefined) throw new Error('a cluster of three has a follower');
  const load = {
    url: leader.url,
    kind: 'printer',
    connections: CONNECTIONS,
    seconds: PROBE_SECONDS,
  } as const;
  await follower.kill();
  const before = await runLoad(load);
  follower.process.wipe();
  follower.process.start(['-join', leader.process.httpAddress]);
  const start = performance.now();
  let caughtUpMs: number | undefined;
  const caughtUp = farm.leader().then(() => {
    caughtUpMs = performance.now() - start;
  });
  const during: LoadResult[] = [];
  const stall = runLoad({
    url: leader.url,
    kind: 'get',
    connections: 1,
    seconds: PROBE_SECONDS,
    path: '/api/v1/printers/printer-0001?consistency=stale',
  });
  while (caughtUpMs === undefined) during.push(await runLoad({ ...load, seconds: 1 }));
  await caughtUp;
  const rate = during.reduce((sum, { perSecond }) => sum + perSecond, 0) / during.length;
  return {
    bytesPerSecond: diskBytes(follower.dataDirectory) / (caughtUpMs / 1_000),
    writeRatio: rate / before.perSecond,
    stallMs: (await stall).max,
  };
}

function tables(
  found: Findings,
  {
    perSecond,
    writes,
    pages,
  }: { perSecond: number; writes: ReadonlyMap<string, LoadResult>; pages: ReadonlyMap<string, LoadResult> },
): Table[] {
  return [
    {
      title: 'What it holds',
      columns: ['', ''],
      rows: [
        ['print jobs', found.jobs],
        ['print jobs added per second, over 128 connections', perSecond],
        ['resident memory of an empty node, MB', found.emptyRss / MEGABYTE],
        ['resident memory of a node, MB', found.rss / MEGABYTE],
        ['of that, not pages of the data file, MB', found.anonymousRss / MEGABYTE],
        ['data directory, MB', found.diskBytes / MEGABYTE],
        ['the same as JSON, MB', logicalBytes(found.jobs) / MEGABYTE],
      ],
    },
    {
      title: `Writes of printers over ${CONNECTIONS} connections`,
      columns: ['farm', 'writes/s', 'p50 ms', 'p99 ms'],
      rows: [...writes].map(([name, { perSecond, p50, p99 }]) => [name, perSecond, p50, p99]),
    },
    {
      title: 'Pages of 50 jobs, another one each time, one after the other',
      columns: ['by', 'p50 ms', 'p99 ms', 'longest ms'],
      rows: [...pages].map(([name, { p50, p99, max }]) => [name, p50, p99, max]),
    },
    {
      title: 'Start and snapshot',
      columns: ['', ''],
      rows: [
        ['all nodes killed: until all serve, ms', found.startMs],
        ['until the first acknowledged write, ms', found.firstWriteMs],
        ['a wiped follower catches up, MB/s of its data file', found.snapshotBytesPerSecond / MEGABYTE],
        ["the leader's writes meanwhile, against before", found.writeRatioUnderSnapshot],
        ['longest small read on the leader while it sends all jobs as one list, ms', found.stalls.list],
        ['longest small read on the leader while it sends a snapshot, ms', found.stalls.snapshot],
      ],
    },
  ];
}

function goals(found: Findings): Goal[] {
  const atMost = (what: string, value: number, wanted: number, unit: string): Goal => {
    return { what, found: value, wanted, sense: 'at most', unit };
  };
  const atLeast = (what: string, value: number, wanted: number, unit: string): Goal => {
    return { what, found: value, wanted, sense: 'at least', unit };
  };
  return [
    atMost('resident memory of an empty node', found.emptyRss / MEGABYTE, 100, ' MB'),
    atMost('resident memory of a node of the large farm', found.rss / MEGABYTE, 250, ' MB'),
    atLeast('writes of a large farm, against an empty one', found.writeRatio, 0.85, ' ×'),
    atMost('a filtered page of 50 jobs, 99 of 100', found.slowestPage, 5, ' ms'),
    atMost('all nodes killed, until all serve', found.startMs, 2_000, ' ms'),
    atMost('all nodes killed, until the first acknowledged write', found.firstWriteMs, 2_000, ' ms'),
    atLeast('a wiped follower catches up', found.snapshotBytesPerSecond / MEGABYTE, 50, ' MB/s'),
    atLeast('writes while it does, against before', found.writeRatioUnderSnapshot, 0.8, ' ×'),
    atMost('longest wait for the event loop, list', found.stalls.list, 50, ' ms'),
    atMost('longest wait for the event loop, snapshot', found.stalls.snapshot, 50, ' ms'),
    atMost('data directory, against the same as JSON', found.diskBytes / logicalBytes(found.jobs), 2.5, ' ×'),
  ];
}
