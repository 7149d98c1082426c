// Measures a farm with a million print jobs: memory, disk, speed, start and snapshots.

import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchContext, inTurns, ratio } from '../context.ts';
import {
  type BusyCatchUp,
  catchUpAtRest,
  catchUpTable,
  catchUpUnderLoad,
  comesBackAt,
  inShort,
  keptWrites,
  middleTrial,
} from '../large/catch-up.ts';
import { grow, growthCharts, growthTable } from '../large/growth-by-size.ts';
import { LargeFarm } from '../large/large-farm.ts';
import { filteredPages, PAGE_ROWS, pageLoads, slowest } from '../large/pages.ts';
import { PRINTERS, SPOOLS } from '../large/print-jobs.ts';
import { type Restart, restartAll, restartTable } from '../large/restart.ts';
import { PAUSE_MS, type Waits, waitsDuring } from '../probe.ts';
import { diskBytes, type Memory, memoryOf } from '../processes.ts';
import type { Raft3dCluster, Raft3dNode } from '../raft3d-cluster.ts';
import { atLeast, atMost, type PartReport, readable } from '../result.ts';
import { median } from '../statistics.ts';

const JOBS = { full: 1_000_000, quick: 20_000 };
const RESTARTS = { full: 3, quick: 1 };
/** Followers that lose their disk under load: no other figure varies as much from trial to trial. */
const TRIALS = { full: 5, quick: 1 };
const CONNECTIONS = 64;
const MEGABYTE = 1e6;
/** Long enough to see how writes affect other requests. */
const PROBE_SECONDS = 5;
/** Short, since each load adds jobs to the farm that is measured afterwards. */
const BESIDE_SECONDS = 5;
const UPDATE_ROUNDS = 4;
/** The last rounds, in which the data directory must not grow any more. */
const SETTLED_ROUNDS = 2;
/** Enough writes to compact the log, with idle time left on the cores. */
const FEW_CONNECTIONS = 8;

const LIST = 'leader, while it sends all print jobs as one list';
const WRITES = 'leader, while jobs are written and the log is compacted';
const SENT = 'leader, while it sends a snapshot';
const INSTALLED = 'follower, while it installs a snapshot';

interface Size {
  readonly jobs: number;
  /** The data directory. */
  readonly diskBytes: number;
  /** The bytes of the data as JSON. */
  readonly logicalBytes: number;
}

/** Findings of several steps for one table, by the name of the row. */
interface Findings {
  readonly waits: Map<string, Waits>;
  readonly memory: Map<string, Memory>;
  readonly sizes: Map<string, Size>;
}

export async function large(context: BenchContext, report: PartReport): Promise<void> {
  const wanted = context.jobs ?? (context.isFull ? JOBS.full : JOBS.quick);
  report.title(`A farm of ${wanted.toLocaleString('en-US')} print jobs`);
  report.text(
    `With ${PRINTERS.toLocaleString('en-US')} printers and ${SPOOLS.toLocaleString('en-US')} spools on three nodes. ` +
      "The data's size is the bytes of JSON that the API answers for all three collections. The data directory is all " +
      'files of a node, and the largest of the three counts. A megabyte is 1,000,000 bytes.',
    `A node's event loop is watched by the smallest read, with pauses of ${PAUSE_MS} ms, on its own connection; the pause ` +
      'counts as waiting. All nodes and the load share the cores, so a wait may also be one for a core: the first line ' +
      'is of an idle farm.',
    'A follower with a new disk has caught up when it is a voter again, its start and its join included. Where the log ' +
      'still has every entry, no snapshot is sent, and a dash stands for its time.',
  );
  const farm = await LargeFarm.start(context);
  const { cluster } = farm;
  const findings: Findings = { waits: new Map(), memory: new Map(), sizes: new Map() };
  findings.memory.set('of an empty node', largestMemory(cluster));
  await farm.stock();
  const { looks, perSecond } = await grow(context, farm, wanted);
  findings.memory.set('after the load', largestMemory(cluster));
  report.table(growthTable(looks));
  report.text(
    `Over 128 connections ${readable(perSecond)} jobs a second were added on the way to the last size.`,
  );
  report.chart(...growthCharts(looks));
  await sizeAndList(context, farm, findings);
  await writesBesideEmpty(context, farm, report);
  await pages(context, farm, report);
  await waitsUnderWrites(context, farm, findings);
  await updates(context, farm, findings, report);
  await restarts(context, farm, findings, report);
  memoryTable(findings, report);
  await snapshots(context, farm, findings, report);
  await cluster.remove();
}

/** Measures the size of the data, and the event loop while all of it is sent as JSON. */
async function sizeAndList(
  context: BenchContext,
  farm: LargeFarm,
  { waits, sizes }: Findings,
): Promise<void> {
  const leader = await farm.cluster.leader();
  context.tell('small reads on a farm at rest');
  waits.set('leader, at rest', await waitsDuring(leader, sleep(PROBE_SECONDS * 1_000)));
  context.tell('everything as one list');
  const measured = sizeOf(farm, leader);
  waits.set(LIST, await waitsDuring(leader, measured));
  sizes.set('after the load', await measured);
}

async function sizeOf(farm: LargeFarm, node: Raft3dNode): Promise<Size> {
  const { bytes, resources } = await farm.readAll(node);
  const missing = farm.jobs + PRINTERS + SPOOLS - resources;
  if (missing > 0) throw new Error(`the lists lack ${missing} resources that were acknowledged`);
  return { jobs: farm.jobs, diskBytes: largestDirectory(farm.cluster), logicalBytes: bytes };
}

/** Adds jobs to the large farm and to one without jobs, in turns. */
async function writesBesideEmpty(context: BenchContext, farm: LargeFarm, report: PartReport): Promise<void> {
  context.tell('jobs added beside an empty farm');
  const empty = await LargeFarm.start(context);
  await empty.stock();
  const contender = async (name: string, to: LargeFarm) => {
    const leader = await to.cluster.leader();
    const load = { seconds: Math.min(context.seconds, BESIDE_SECONDS), connections: CONNECTIONS };
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
  const found = await inTurns(context, pageLoads(leader, { seconds, belowJob: farm.nextNumber }));
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

/** Watches the event loop under writes, which also compact the log. */
async function waitsUnderWrites(context: BenchContext, farm: LargeFarm, { waits }: Findings): Promise<void> {
  context.tell('small reads beside writes');
  const leader = await farm.cluster.leader();
  const load = { seconds: PROBE_SECONDS, connections: FEW_CONNECTIONS };
  waits.set(WRITES, await waitsDuring(leader, farm.updateFor(leader, load)));
}

/** Writes the same jobs again and again: neither the farm nor its files may grow. */
async function updates(
  context: BenchContext,
  farm: LargeFarm,
  { sizes }: Findings,
  report: PartReport,
): Promise<void> {
  const leader = await farm.cluster.leader();
  const load = { seconds: context.seconds, connections: CONNECTIONS };
  const before = largestDirectory(farm.cluster);
  const directories: number[] = [];
  let writes = 0;
  for (let round = 1; round <= UPDATE_ROUNDS; round++) {
    context.tell(`updates of what is there, round ${round} of ${UPDATE_ROUNDS}`);
    writes += (await farm.updateFor(leader, load)).requests;
    directories.push(largestDirectory(farm.cluster));
  }
  sizes.set('after updates of the same jobs', await sizeOf(farm, leader));
  report.table({
    title: `Updates of jobs that are there, ${readable(writes)} in ${UPDATE_ROUNDS} rounds: data directory, MB`,
    columns: ['before', ...directories.map((_, at) => `after round ${at + 1}`)],
    rows: [[before, ...directories].map((bytes) => bytes / MEGABYTE)],
  });
  report.table({
    title: 'Size',
    columns: ['', 'print jobs', 'the data as JSON, MB', 'data directory, MB', 'against JSON'],
    rows: [...sizes].map(([when, { jobs, diskBytes, logicalBytes }]) => [
      when,
      jobs,
      logicalBytes / MEGABYTE,
      diskBytes / MEGABYTE,
      diskBytes / logicalBytes,
    ]),
  });
  const most = Math.max(
    ...[...sizes.values()].map(({ diskBytes, logicalBytes }) => diskBytes / logicalBytes),
  );
  const [settled = 0, last = 0] = [directories.at(-1 - SETTLED_ROUNDS), directories.at(-1)];
  report.goal(
    atMost('data directory, against the same as JSON', most, 2.5, ' ×'),
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
  { memory }: Findings,
  report: PartReport,
): Promise<void> {
  const found: Restart[] = [];
  for (let turn = 0; turn < (context.isFull ? RESTARTS.full : RESTARTS.quick); turn++) {
    context.tell('all nodes killed while they write, and started again');
    found.push(await restartAll(farm));
  }
  memory.set('after a restart', largestMemory(farm.cluster));
  context.tell('traffic after the restart');
  const leader = await farm.cluster.leader();
  await farm.addFor(leader, { seconds: context.seconds, connections: CONNECTIONS });
  await filteredPages(leader, { seconds: 1, belowJob: farm.nextNumber });
  memory.set('after that and some traffic', largestMemory(farm.cluster));
  report.table(restartTable(found));
  const longest = (of: (restart: Restart) => number): number => Math.max(...found.map(of));
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
    title: 'Memory of the node that has most, MB; file pages include the mapped data file',
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
  { waits, sizes }: Findings,
  report: PartReport,
): Promise<void> {
  context.tell('a follower with a new disk, at rest');
  const atRest = await catchUpAtRest(farm);
  context.tell('a follower with a new disk, under load');
  const trials: BusyCatchUp[] = [];
  const wanted = context.isFull ? TRIALS.full : TRIALS.quick;
  while (trials.length < wanted) trials.push(await catchUpUnderLoad(farm));
  for (const trial of trials) context.tell(inShort(trial));
  report.text(
    `The trials under load: ${trials.map(inShort).join('; ')}. The table shows the trial with the middle speed; for the ` +
      'goals the median of each figure counts.',
  );
  const busy = middleTrial(trials);
  waits.set(SENT, atRest.leaderWaits);
  waits.set(INSTALLED, atRest.followerWaits);
  waits.set('leader, while jobs are added over 64 connections', busy.waitsBefore);
  waits.set('leader, the same while it sends a snapshot', busy.leaderWaits);
  waits.set('follower, while it installs a snapshot and jobs are added', busy.followerWaits);
  const { logicalBytes } = [...sizes.values()].at(-1) ?? { logicalBytes: Number.NaN };
  report.table(catchUpTable(atRest, busy, logicalBytes));
  report.table({
    title: 'Waits for the event loop, ms',
    columns: ['', 'p99.9, worst second', 'longest'],
    rows: [...waits].map(([name, { p999, longest }]) => [name, p999, longest]),
  });
  report.goal(
    atLeast('a wiped follower catches up under load', median(trials.map(comesBackAt)), 50, ' MB/s'),
    atLeast('writes meanwhile, against before', median(trials.map(keptWrites)), 0.8, ' ×'),
    ...[LIST, WRITES, SENT, INSTALLED].map((name) =>
      atMost(`longest wait for the event loop: ${name}`, waits.get(name)?.longest ?? Number.NaN, 50, ' ms'),
    ),
  );
}

function largestMemory({ nodes }: Raft3dCluster): Memory {
  const found = nodes.map(({ pid }) => memoryOf(pid));
  return found.reduce((a, b) => (b.resident > a.resident ? b : a));
}

function largestDirectory({ nodes }: Raft3dCluster): number {
  return Math.max(...nodes.map(({ dataDirectory }) => diskBytes(dataDirectory)));
}
