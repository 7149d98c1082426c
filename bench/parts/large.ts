// A farm with a million print jobs: memory, disk, speed, start and snapshots, beside one that has no job.

import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchContext, inTurns, ratio } from '../context.ts';
import { type BusyCatchUp, type CatchUp, catchUpAtRest, catchUpUnderLoad } from '../large/catch-up.ts';
import { grow, growthCharts, growthTable } from '../large/growth-by-size.ts';
import { LargeFarm } from '../large/large-farm.ts';
import { filteredPages, PAGE_ROWS, slowest } from '../large/pages.ts';
import { PRINTERS, SPOOLS } from '../large/print-jobs.ts';
import { type Restart, restartAll } from '../large/restart.ts';
import { type Waits, waitsDuring } from '../probe.ts';
import { diskBytes, type Memory, memoryOf } from '../processes.ts';
import type { Raft3dCluster } from '../raft3d-cluster.ts';
import { atLeast, atMost, type PartReport, type Table } from '../result.ts';
import { medianOf } from '../statistics.ts';

const JOBS = { full: 1_000_000, quick: 20_000 };
const RESTARTS = { full: 3, quick: 1 };
const CONNECTIONS = 64;
const MEGABYTE = 1e6;
/** Enough to see what writes do to others. */
const PROBE_SECONDS = 5;
const UPDATE_ROUNDS = 4;
/** Rounds at the end in which the data directory has to have stopped growing. */
const SETTLED_ROUNDS = 2;
/** Enough writes for the log to be compacted, and room on the cores. */
const FEW_CONNECTIONS = 8;

const LIST = 'leader, while it sends all print jobs as one list';
const WRITES = 'leader, while jobs are written and the log is compacted';
const SENT = 'leader, while it sends a snapshot';
const INSTALLED = 'follower, while it installs a snapshot';

/** What the steps need of each other. */
interface Findings {
  readonly logicalBytes: number;
  readonly waits: Map<string, Waits>;
  readonly memory: Map<string, Memory>;
  readonly disk: Map<string, number>;
}

export async function large(context: BenchContext, report: PartReport): Promise<void> {
  const wanted = context.jobs ?? (context.isFull ? JOBS.full : JOBS.quick);
  report.title(`A farm of ${wanted.toLocaleString('en-US')} print jobs`);
  report.text(
    `With ${PRINTERS.toLocaleString('en-US')} printers and ${SPOOLS.toLocaleString('en-US')} spools on three nodes. ` +
      'The data is counted as what the API answers when it is asked for all three collections, in bytes of JSON. ' +
      'The data directory is all files of a node; of nodes that differ the largest counts. A megabyte is 1,000,000 bytes.',
    "A node's event loop is watched by the smallest read there is, over and over, on a connection of its own. All " +
      'nodes and the load share the cores, so that a wait may also be one for a core: the first line is a farm at rest.',
    'A follower with a new disk counts as caught up when it is a voter again, its start and its joining included. Where ' +
      'the log still has every entry no snapshot is sent, and a dash stands for its time.',
  );
  const farm = await LargeFarm.start(context);
  const { cluster } = farm;
  const memory = new Map([['of an empty node', largestMemory(cluster)]]);
  await farm.stock();
  const { looks, perSecond } = await grow(context, farm, wanted);
  memory.set('after the load', largestMemory(cluster));
  report.table(growthTable(looks));
  report.chart(...growthCharts(looks));
  const findings = { ...(await readEverything(context, farm)), memory, disk: new Map<string, number>() };
  findings.disk.set('after the load', largestDirectory(cluster));
  await writesBesideEmpty(context, farm, report);
  await pages(context, farm, report);
  await waitsUnderWrites(context, farm, findings);
  await updates(context, farm, findings, report);
  await restarts(context, farm, findings, report);
  report.table({
    title: 'What it holds',
    columns: ['', ''],
    rows: [
      ['print jobs', farm.jobs],
      ['print jobs added per second, over 128 connections', perSecond],
      ['the data as JSON, MB', findings.logicalBytes / MEGABYTE],
      ...[...findings.disk].map(([when, bytes]) => [`data directory ${when}, MB`, bytes / MEGABYTE]),
    ],
  });
  memoryTable(findings, report);
  await snapshots(context, farm, findings, report);
  await cluster.remove();
}

/** All of it as JSON, from the leader, with what that does to others. */
async function readEverything(
  context: BenchContext,
  farm: LargeFarm,
): Promise<Pick<Findings, 'logicalBytes' | 'waits'>> {
  const leader = await farm.cluster.leader();
  context.tell('small reads on a farm at rest');
  const atRest = await waitsDuring(leader, sleep(PROBE_SECONDS * 1_000));
  context.tell('everything as one list');
  const list = farm.readAll(leader);
  const meanwhile = await waitsDuring(leader, list);
  const { bytes, resources } = await list;
  const missing = farm.jobs + PRINTERS + SPOOLS - resources;
  if (missing > 0) throw new Error(`the lists lack ${missing} resources that were acknowledged`);
  return {
    logicalBytes: bytes,
    waits: new Map([
      ['leader, at rest', atRest],
      [LIST, meanwhile],
    ]),
  };
}

/** Jobs added to the large farm and to one without jobs, in turns. */
async function writesBesideEmpty(context: BenchContext, farm: LargeFarm, report: PartReport): Promise<void> {
  context.tell('jobs added beside an empty farm');
  const empty = await LargeFarm.start(context);
  await empty.stock();
  const contender = async (name: string, to: LargeFarm) => {
    const leader = await to.cluster.leader();
    const load = { seconds: context.seconds, connections: CONNECTIONS };
    return { name, measure: () => to.addFor(leader, load) };
  };
  const contenders = [await contender('without jobs', empty), await contender('large', farm)];
  for (const { measure } of contenders) await measure();
  const found = await inTurns(context, contenders);
  await empty.cluster.remove();
  const rows = [...found].map(([name, { perSecond, p50, p99, p999 }]) => [name, perSecond, p50, p99, p999]);
  const columns = ['farm', 'writes/s', 'p50 ms', 'p99 ms', 'p99.9 ms'];
  report.table({ title: `Print jobs added over ${CONNECTIONS} connections`, columns, rows });
  const against = ratio(found.get('large')?.perSecond, found.get('without jobs')?.perSecond);
  report.goal(atLeast('writes of a large farm, against one without jobs', against, 0.85, ' ×'));
}

async function pages(context: BenchContext, farm: LargeFarm, report: PartReport): Promise<void> {
  context.tell('filtered pages');
  const leader = await farm.cluster.leader();
  const seconds = Math.min(context.seconds, PROBE_SECONDS);
  const found = await filteredPages(leader, { seconds, belowJob: farm.nextNumber });
  report.table({
    title: `Pages of ${PAGE_ROWS} jobs, another one each time, one after the other`,
    columns: ['by', 'p50 ms', 'p99 ms', 'p99.9 ms', 'longest ms'],
    rows: [...found].map(([name, { p50, p99, p999, max }]) => [name, p50, p99, p999, max]),
  });
  report.goal(
    atMost(
      `a filtered page of ${PAGE_ROWS} jobs, p99 of the slowest filter`,
      slowest(found, 'p99'),
      5,
      ' ms',
    ),
  );
}

/** What writes alone, with the compaction of the log that comes with them, do to the event loop. */
async function waitsUnderWrites(context: BenchContext, farm: LargeFarm, { waits }: Findings): Promise<void> {
  context.tell('small reads beside writes');
  const leader = await farm.cluster.leader();
  const load = { seconds: PROBE_SECONDS, connections: FEW_CONNECTIONS };
  waits.set(WRITES, await waitsDuring(leader, farm.updateFor(leader, load)));
}

/** The same jobs are written again and again: the farm does not grow, nor may its files. */
async function updates(
  context: BenchContext,
  farm: LargeFarm,
  { disk, logicalBytes }: Findings,
  report: PartReport,
): Promise<void> {
  const leader = await farm.cluster.leader();
  const sizes: number[] = [];
  for (let round = 1; round <= UPDATE_ROUNDS; round++) {
    context.tell(`updates of what is there, round ${round} of ${UPDATE_ROUNDS}`);
    const load = { seconds: context.seconds, connections: CONNECTIONS };
    await farm.updateFor(leader, load);
    sizes.push(largestDirectory(farm.cluster));
    disk.set(`after updates, round ${round}`, sizes.at(-1) ?? 0);
  }
  const [settled = 0, last = 0] = [sizes.at(-1 - SETTLED_ROUNDS), sizes.at(-1)];
  report.goal(
    atMost(
      'data directory, at its largest, against the same as JSON',
      Math.max(...disk.values()) / logicalBytes,
      2.5,
      ' ×',
    ),
    atMost(
      `data directory after ${SETTLED_ROUNDS} more rounds of updates, against before`,
      last / settled,
      1.05,
      ' ×',
    ),
  );
}

async function restarts(
  context: BenchContext,
  farm: LargeFarm,
  { memory, disk }: Findings,
  report: PartReport,
): Promise<void> {
  const found: Restart[] = [];
  for (let turn = 0; turn < (context.isFull ? RESTARTS.full : RESTARTS.quick); turn++) {
    context.tell('all nodes killed while they write, and started again');
    found.push(await restartAll(farm));
  }
  disk.set('after all nodes were killed', largestDirectory(farm.cluster));
  memory.set('after a restart', largestMemory(farm.cluster));
  context.tell('traffic after the restart');
  const leader = await farm.cluster.leader();
  await farm.addFor(leader, { seconds: context.seconds, connections: CONNECTIONS });
  await filteredPages(leader, { seconds: 1, belowJob: farm.nextNumber });
  memory.set('after that and some traffic', largestMemory(farm.cluster));
  const middle = medianOf(found);
  const longest = (of: (restart: Restart) => number): number => Math.max(...found.map(of));
  const row = (name: string, of: (restart: Restart) => number) => [name, of(middle), longest(of)];
  report.table({
    title: `All nodes killed while they write, and started at once; ${found.length} times, files in the page cache; ms`,
    columns: ['', 'median', 'longest'],
    rows: [
      row('until each node has answered a read of a resource, possibly stale', ({ serving }) => serving),
      row('until each node has answered a linearizable one', ({ linearizable }) => linearizable),
      row('until the first acknowledged write', ({ firstWrite }) => firstWrite),
    ],
  });
  report.goal(
    atMost(
      'all nodes killed, until all serve, longest',
      longest(({ serving }) => serving),
      2_000,
      ' ms',
    ),
    atMost(
      'all nodes killed, until the first acknowledged write, longest',
      longest(({ firstWrite }) => firstWrite),
      2_000,
      ' ms',
    ),
  );
}

function memoryTable({ memory }: Findings, report: PartReport): void {
  const megabytes = ({ resident, anonymous, file, peak }: Memory): number[] =>
    [resident, anonymous, file, peak].map((bytes) => bytes / MEGABYTE);
  report.table({
    title:
      'Memory of a node, of three the one that has most, MB: the mapped data file is among the pages of files',
    columns: ['', 'VmRSS', 'of it RssAnon', 'of it RssFile', 'VmHWM (peak)'],
    rows: [...memory].map(([when, found]) => [when, ...megabytes(found)]),
  });
  const [[, empty], ...laden] = [...memory] as [[string, Memory], ...[string, Memory][]];
  const most = Math.max(...laden.map(([, { resident }]) => resident));
  report.goal(
    atMost('resident memory of an empty node', empty.resident / MEGABYTE, 100, ' MB'),
    atMost('resident memory of a node of the large farm', most / MEGABYTE, 250, ' MB'),
  );
}

async function snapshots(
  context: BenchContext,
  farm: LargeFarm,
  { waits, logicalBytes }: Findings,
  report: PartReport,
): Promise<void> {
  context.tell('a follower with a new disk, at rest');
  const atRest = await catchUpAtRest(farm);
  context.tell('a follower with a new disk, under load');
  const busy = await catchUpUnderLoad(farm);
  waits.set(SENT, atRest.leaderWaits);
  waits.set(INSTALLED, atRest.followerWaits);
  waits.set('leader, while jobs are added over 64 connections', busy.waitsBefore);
  waits.set('leader, the same while it sends a snapshot', busy.leaderWaits);
  waits.set('follower, while it installs a snapshot and jobs are added', busy.followerWaits);
  report.table(catchUpTable(atRest, busy, logicalBytes));
  report.table({
    title: 'Waits for the event loop, ms',
    columns: ['', 'p99.9, worst second', 'longest'],
    rows: [...waits].map(([name, { p999, longest }]) => [name, p999, longest]),
  });
  report.goal(
    atLeast(
      'a wiped follower catches up under load',
      busy.receivedBytes / busy.seconds / MEGABYTE,
      50,
      ' MB/s',
    ),
    atLeast('writes meanwhile, against before', busy.rates.meanwhile / busy.rates.before, 0.8, ' ×'),
    ...[LIST, WRITES, SENT, INSTALLED].map((name) =>
      atMost(`longest wait for the event loop: ${name}`, waits.get(name)?.longest ?? Number.NaN, 50, ' ms'),
    ),
  );
}

function catchUpTable(atRest: CatchUp, busy: BusyCatchUp, logicalBytes: number): Table {
  const row = (name: string, of: (found: CatchUp) => number) => [name, of(atRest), of(busy)];
  const rate = (name: string, of: (rates: BusyCatchUp['rates']) => number) => [
    name,
    Number.NaN,
    of(busy.rates),
  ];
  return {
    title: 'A follower with a new disk',
    columns: ['', 'at rest', 'while jobs are added'],
    rows: [
      row('until it is a voter again, s', ({ seconds }) => seconds),
      row('of that the snapshot, s', ({ snapshotSeconds }) => snapshotSeconds),
      row(
        'bytes received a second, all of the time, MB/s',
        (found) => found.receivedBytes / found.seconds / MEGABYTE,
      ),
      row(
        'bytes received a second of the snapshot, MB/s',
        (found) => found.receivedBytes / found.snapshotSeconds / MEGABYTE,
      ),
      row('its data directory a second, MB/s', (found) => found.dataBytes / found.seconds / MEGABYTE),
      row('the same as JSON a second, MB/s', ({ seconds }) => logicalBytes / seconds / MEGABYTE),
      row('the most memory that it had, MB', ({ peakBytes }) => peakBytes / MEGABYTE),
      rate('jobs added a second before, with all three nodes', ({ before }) => before),
      rate('jobs added a second with the follower down', ({ down }) => down),
      rate('jobs added a second while it catches up', ({ meanwhile }) => meanwhile),
      rate('that against before', ({ meanwhile, before }) => meanwhile / before),
      rate('that against with the follower down', ({ meanwhile, down }) => meanwhile / down),
    ],
  };
}

function largestMemory({ nodes }: Raft3dCluster): Memory {
  const found = nodes.map(({ pid }) => memoryOf(pid));
  return found.reduce((a, b) => (b.resident > a.resident ? b : a));
}

function largestDirectory({ nodes }: Raft3dCluster): number {
  return Math.max(...nodes.map(({ dataDirectory }) => diskBytes(dataDirectory)));
}
