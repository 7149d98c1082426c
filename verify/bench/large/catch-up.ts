// Measures how fast a follower with a new disk catches up, and how the other nodes are affected.

import { waitFor } from '../../kit/wait-for.ts';
import { followersOf } from '../cluster.ts';
import { type Waits, waitsDuring } from '../probe.ts';
import { diskBytes, memoryOf } from '../processes.ts';
import type { Raft3dNode } from '../raft3d-cluster.ts';
import type { Table } from '../result.ts';
import type { LargeFarm } from './large-farm.ts';

const CONNECTIONS = 64;
const BEFORE_SECONDS = 5;
const SLICE_SECONDS = 1;
const MEGABYTE = 1e6;
/** The interval at which all nodes are asked: a request by fetch takes as much processor time as a write. */
const LOOK_MS = 100;
const BUSY = { seconds: SLICE_SECONDS, connections: CONNECTIONS };

interface CatchUp {
  /** From the start of its process until it is a voter again. */
  readonly seconds: number;
  /** The part of it from the snapshot's beginning to its installation, by the follower's log. */
  readonly snapshotSeconds: number;
  /** The size of the image; NaN where no snapshot was needed. */
  readonly receivedBytes: number;
  /** The size of its data directory afterwards. */
  readonly dataBytes: number;
  /** The peak of its resident memory. */
  readonly peakBytes: number;
  readonly leaderWaits: Waits;
  readonly followerWaits: Waits;
}

export interface BusyCatchUp extends CatchUp {
  /** Jobs added per second: with all nodes, with the follower down, and while it catches up. */
  readonly rates: { readonly before: number; readonly down: number; readonly meanwhile: number };
  /** The leader's waits while jobs are added and no snapshot is sent. */
  readonly waitsBefore: Waits;
}

/** Measures without any other load. */
export async function catchUpAtRest(farm: LargeFarm): Promise<CatchUp> {
  const { leader, follower } = await chosen(farm);
  await follower.kill();
  return caughtUp(farm, leader, follower, async () => undefined);
}

/** Measures while jobs are added to the leader. */
export async function catchUpUnderLoad(farm: LargeFarm): Promise<BusyCatchUp> {
  const { leader, follower } = await chosen(farm);
  const added = jobsAdded(farm, leader, BEFORE_SECONDS);
  const waitsBefore = await waitsDuring(leader, added);
  const before = await added;
  await follower.kill();
  const addedWhileDown = jobsAdded(farm, leader, BEFORE_SECONDS);
  await waitsDuring(leader, addedWhileDown);
  const down = await addedWhileDown;
  let meanwhile = Number.NaN;
  const found = await caughtUp(farm, leader, follower, async (isOver) => {
    meanwhile = await jobsAddedUntil(farm, leader, isOver);
  });
  return { ...found, rates: { before, down, meanwhile }, waitsBefore };
}

/** Returns the mean rate of `seconds` loads of a second each. */
async function jobsAdded(farm: LargeFarm, leader: Raft3dNode, seconds: number): Promise<number> {
  const slices: number[] = [];
  while (slices.length < seconds) slices.push((await farm.addFor(leader, BUSY)).perSecond);
  return meanOf(slices);
}

/**
 * Returns the mean rate of the loads that ended before `isOver`. The last load counts only if it is the only
 * one.
 */
async function jobsAddedUntil(farm: LargeFarm, leader: Raft3dNode, isOver: () => boolean): Promise<number> {
  const slices: number[] = [];
  while (!isOver()) slices.push((await farm.addFor(leader, BUSY)).perSecond);
  return meanOf(slices.length > 1 ? slices.slice(0, -1) : slices);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns megabytes of the image a second; the follower's start counts too. */
export function comesBackAt({ receivedBytes, seconds }: CatchUp): number {
  return receivedBytes / seconds / MEGABYTE;
}

/** Returns the rate of writes while the follower catches up, against before. */
export function keptWrites({ rates }: BusyCatchUp): number {
  return rates.meanwhile / rates.before;
}

/** Returns the trial with the middle speed of catching up. */
export function middleTrial(trials: readonly BusyCatchUp[]): BusyCatchUp {
  const sorted = [...trials].sort((a, b) => comesBackAt(a) - comesBackAt(b));
  return sorted[Math.floor(sorted.length / 2)] as BusyCatchUp;
}

export function inShort(trial: BusyCatchUp): string {
  return `${comesBackAt(trial).toFixed(1)} MB/s with ${keptWrites(trial).toFixed(2)} of the writes`;
}

/** Chooses a follower that did not found the cluster: its flags let it join again. */
async function chosen({ cluster }: LargeFarm): Promise<{ leader: Raft3dNode; follower: Raft3dNode }> {
  const leader = await cluster.leader();
  const follower = followersOf(cluster, leader).find((node) => node !== cluster.nodes[0]);
  if (follower === undefined) throw new Error('a cluster of three has two followers');
  return { leader, follower: follower as Raft3dNode };
}

/** Starts the killed follower with an empty disk. `others` runs until it has caught up. */
async function caughtUp(
  { cluster }: LargeFarm,
  leader: Raft3dNode,
  follower: Raft3dNode,
  others: (isOver: () => boolean) => Promise<void>,
): Promise<CatchUp> {
  follower.process.wipe();
  const since = new Date().toISOString();
  const startedAt = performance.now();
  follower.process.start(['-join', leader.process.httpAddress]);
  let seenAfter: number | undefined;
  const whole = cluster.leader({ intervalMs: LOOK_MS }).finally(() => {
    seenAfter ??= (performance.now() - startedAt) / 1_000;
  });
  const [leaderWaits, ofFollower] = await Promise.all([
    waitsDuring(leader, whole),
    watchFollower(follower, whole),
    others(() => seenAfter !== undefined),
  ]);
  return {
    ...ofFollower,
    seconds: seenAfter ?? Number.NaN,
    ...timesOf(follower, since),
    dataBytes: diskBytes(follower.dataDirectory),
    peakBytes: memoryOf(follower.pid).peak,
    leaderWaits,
  };
}

/** Watches the follower from its first answer until `whole` settles. */
async function watchFollower(
  follower: Raft3dNode,
  whole: Promise<unknown>,
): Promise<Pick<CatchUp, 'followerWaits'>> {
  const answers = async (): Promise<boolean> => (await follower.process.status()) !== undefined;
  await waitFor('the follower answers', answers, { intervalMs: 20 });
  return { followerWaits: await waitsDuring(follower, whole) };
}

/**
 * Reads the times from the follower's log, which costs nothing meanwhile. They are NaN where the log has no
 * snapshot: the leader still had all entries. `seconds` is left out where the log does not say that the node
 * became a voter.
 */
function timesOf(
  { process }: Raft3dNode,
  since: string,
): Pick<CatchUp, 'snapshotSeconds' | 'receivedBytes'> & Partial<CatchUp> {
  const lines = process.logLines().filter(({ time }) => String(time) >= since);
  const lineOf = (message: string): Readonly<Record<string, unknown>> | undefined =>
    lines.findLast(({ msg }) => msg === message);
  const millisOf = (message: string): number => Date.parse(String(lineOf(message)?.time));
  const isVoter = lineOf('this node is a member')?.role === 'voter';
  return {
    ...(isVoter && { seconds: (millisOf('this node is a member') - Date.parse(since)) / 1_000 }),
    snapshotSeconds: (millisOf('snapshot installed') - millisOf('snapshot begins')) / 1_000,
    receivedBytes: Number(lineOf('snapshot begins')?.bytes),
  };
}

export function catchUpTable(atRest: CatchUp, busy: BusyCatchUp, logicalBytes: number): Table {
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
      row('the snapshot alone, s', ({ snapshotSeconds }) => snapshotSeconds),
      row('image, MB/s over the whole time', comesBackAt),
      row(
        'image, MB/s during the snapshot',
        (found) => found.receivedBytes / found.snapshotSeconds / MEGABYTE,
      ),
      row('data directory, MB/s', (found) => found.dataBytes / found.seconds / MEGABYTE),
      row('data as JSON, MB/s', ({ seconds }) => logicalBytes / seconds / MEGABYTE),
      row('peak memory, MB', ({ peakBytes }) => peakBytes / MEGABYTE),
      rate('jobs added a second before, with all three nodes', ({ before }) => before),
      rate('jobs added a second with the follower down', ({ down }) => down),
      rate('jobs added a second while it catches up', ({ meanwhile }) => meanwhile),
      rate('the same, against before', ({ meanwhile, before }) => meanwhile / before),
      rate('the same, against with the follower down', ({ meanwhile, down }) => meanwhile / down),
    ],
  };
}
