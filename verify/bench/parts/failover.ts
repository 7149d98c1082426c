// Measures how long writes wait when the leader is killed, is paused, or stops in order.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCluster, BenchNode } from '../cluster.ts';
import { followersOf } from '../cluster.ts';
import { type BenchContext, startSystems } from '../context.ts';
import { atMost, type Goal, type PartReport } from '../result.ts';
import { median, percentile } from '../statistics.ts';

/** Trials of each system. etcd's longer time-outs make its trials long. */
const TRIALS = { full: { raft3d: 20, etcd: 8 }, quick: { raft3d: 4, etcd: 2 } };
/** A pause between two trials, so that each begins with an idle cluster. */
const REST_MS = 500;
const GIVE_UP_MS = 30_000;
/** A write without an answer for this long is sent again. */
const ASK_AGAIN_MS = 5_000;
/** The interval of writes after a fault. */
const BETWEEN_WRITES_MS = 20;
const STOPPING_WRITERS = 8;
/** How long writes go on before and after an orderly stop. */
const AROUND_STOP_MS = 1_000;

export async function failover(context: BenchContext, report: PartReport): Promise<void> {
  report.title('When the leader goes');
  report.text(
    `Around an orderly stop ${STOPPING_WRITERS} writers write to each survivor without a pause, and the longest write ` +
      'counts. The longest write of the same writers in the second before is shown beside it.',
  );
  const trials = context.isFull ? TRIALS.full : TRIALS.quick;
  const rows: (string | number)[][] = [];
  const note = (cluster: BenchCluster, what: string, found: readonly number[]): void => {
    context.tell(`${cluster.name}, ${what}: ${found.map(Math.round).join(' ')} ms`);
    const name = `${cluster.name}, ${what}`;
    rows.push([name, median(found), percentile(found, 90), Math.max(...found), found.length]);
  };
  for (const cluster of await startSystems(context)) {
    const count = trials[cluster.name];
    const killed = await repeated(count, () => firstWrite(cluster, 'killed'));
    note(cluster, 'kill -9 to the first acknowledged write', killed);
    const paused = await repeated(count, () => firstWrite(cluster, 'paused'));
    note(cluster, 'SIGSTOP to the first acknowledged write', paused);
    const stops = await repeated(count, () => longestWaits(cluster));
    const around = stops.map(({ around }) => around);
    note(cluster, 'longest write around an orderly stop', around);
    const before = stops.map(({ before }) => before);
    note(cluster, 'longest write in the second before', before);
    if (cluster.name === 'raft3d') report.goal(...goals({ killed, paused, around }));
    await cluster.remove();
  }
  report.table({ title: 'Milliseconds', columns: ['', 'median', '90 of 100', 'longest', 'trials'], rows });
}

async function repeated<T>(count: number, trial: () => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < count; at++) found.push(await trial());
  return found;
}

function goals({
  killed,
  paused,
  around,
}: Readonly<Record<'killed' | 'paused' | 'around', readonly number[]>>): Goal[] {
  return [
    atMost('first write after kill -9, median', median(killed), 300, ' ms'),
    atMost('first write after kill -9, longest', Math.max(...killed), 1_000, ' ms'),
    atMost('first write after SIGSTOP of the leader, median', median(paused), 1_000, ' ms'),
    atMost('longest write around an orderly stop', Math.max(...around), 100, ' ms'),
  ];
}

/**
 * Returns the time from the fault to the first write that a survivor acknowledged. Repairs the cluster
 * afterwards.
 */
async function firstWrite(cluster: BenchCluster, fault: 'killed' | 'paused'): Promise<number> {
  const leader = await restedLeader(cluster);
  const survivors = followersOf(cluster, leader);
  const start = performance.now();
  leader.signal(fault === 'killed' ? 'SIGKILL' : 'SIGSTOP');
  const took = await firstOfMany(cluster, survivors, start);
  if (fault === 'killed') {
    await leader.kill();
    await leader.start();
  } else leader.signal('SIGCONT');
  await cluster.leader();
  return took;
}

/** Waits for a leader that still leads after a rest: a paused one may win an election when it goes on. */
async function restedLeader(cluster: BenchCluster): Promise<BenchNode> {
  for (let seen = await cluster.leader(); ; ) {
    await sleep(REST_MS);
    const leader = await cluster.leader();
    if (leader === seen) return leader;
    seen = leader;
  }
}

let keys = 0;

function nextKey(): string {
  keys += 1;
  return `failover-${keys}`;
}

/** Sends writes to every survivor, without waiting for answers, until the first is acknowledged. */
async function firstOfMany(
  cluster: BenchCluster,
  nodes: readonly BenchNode[],
  start: number,
): Promise<number> {
  let took: number | undefined;
  while (took === undefined) {
    if (performance.now() - start > GIVE_UP_MS) throw new Error(`no write for ${GIVE_UP_MS} ms`);
    for (const node of nodes) {
      cluster.write(node, nextKey(), { timeoutMs: ASK_AGAIN_MS }).then(
        (isWritten) => {
          if (isWritten) took ??= performance.now() - start;
        },
        () => undefined,
      );
    }
    await sleep(BETWEEN_WRITES_MS);
  }
  return took;
}

async function untilWritten(cluster: BenchCluster, node: BenchNode, start: number): Promise<number> {
  while (performance.now() - start < GIVE_UP_MS) {
    const isWritten = await cluster.write(node, nextKey(), { timeoutMs: ASK_AGAIN_MS }).catch(() => false);
    if (isWritten) return performance.now() - start;
  }
  throw new Error(`${node.id} took no write within ${GIVE_UP_MS} ms after its leader was lost`);
}

/** Writes to the other nodes while the leader stops in order. Returns the longest write then, and before. */
async function longestWaits(cluster: BenchCluster): Promise<{ before: number; around: number }> {
  const leader = await restedLeader(cluster);
  let isOver = false;
  let longest = 0;
  const writers = followersOf(cluster, leader).flatMap((node) =>
    Array.from({ length: STOPPING_WRITERS }, async () => {
      while (!isOver) {
        const start = performance.now();
        await untilWritten(cluster, node, start);
        longest = Math.max(longest, performance.now() - start);
      }
    }),
  );
  // `writing` is awaited at the end: an earlier rejection must not count as unhandled.
  const writing = Promise.all(writers);
  writing.catch(() => undefined);
  await sleep(REST_MS);
  // The writes before are the warm-up.
  longest = 0;
  await sleep(AROUND_STOP_MS);
  const before = longest;
  longest = 0;
  await leader.stop();
  await sleep(AROUND_STOP_MS);
  isOver = true;
  await writing;
  await leader.start();
  await cluster.leader();
  return { before, around: longest };
}
