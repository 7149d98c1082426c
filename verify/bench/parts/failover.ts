// How long nobody can write when the leader dies, falls silent, or stops in order.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCluster, BenchNode } from '../cluster.ts';
import { followersOf } from '../cluster.ts';
import { type BenchContext, startSystems } from '../context.ts';
import { atMost, type Goal, type PartReport } from '../result.ts';
import { median, percentile } from '../statistics.ts';

/** Of ours, and of the other system, whose own time-outs make its trials long. */
const TRIALS = { full: { raft3d: 20, etcd: 8 }, quick: { raft3d: 4, etcd: 2 } };
/** Between two trials, so that each begins with a cluster at rest. */
const REST_MS = 500;
const GIVE_UP_MS = 30_000;
/** A write that was sent to a node that cannot take it is sent again after this long without an answer. */
const ASK_AGAIN_MS = 5_000;
/** Writes after a fault are sent this often. */
const BETWEEN_WRITES_MS = 20;
const STOPPING_WRITERS = 8;
/** How long writes go on before and after an orderly stop. */
const AROUND_STOP_MS = 1_000;

export async function failover(context: BenchContext, report: PartReport): Promise<void> {
  report.title('When the leader goes');
  report.text(
    `Around an orderly stop ${STOPPING_WRITERS} writers a survivor go on without a pause, and the longest write of all ` +
      'counts; what the same writers waited in the second before is shown beside it.',
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
    const silent = await repeated(count, () => firstWrite(cluster, 'silent'));
    note(cluster, 'SIGSTOP to the first acknowledged write', silent);
    const stops = await repeated(count, () => longestWaits(cluster));
    const around = stops.map(({ around }) => around);
    note(cluster, 'longest write around an orderly stop', around);
    const before = stops.map(({ before }) => before);
    note(cluster, 'longest write in the second before', before);
    if (cluster.name === 'raft3d') report.goal(...goals({ killed, silent, around }));
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
  silent,
  around,
}: Readonly<Record<'killed' | 'silent' | 'around', readonly number[]>>): Goal[] {
  return [
    atMost('first write after kill -9, median', median(killed), 300, ' ms'),
    atMost('first write after kill -9, longest', Math.max(...killed), 1_000, ' ms'),
    atMost('first write after the leader fell silent, median', median(silent), 1_000, ' ms'),
    atMost('longest write around an orderly stop', Math.max(...around), 100, ' ms'),
  ];
}

/** From the fault to the first write that a survivor acknowledged. The cluster is whole again afterwards. */
async function firstWrite(cluster: BenchCluster, fault: 'killed' | 'silent'): Promise<number> {
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

/** One that still leads after a rest: one that was silent may take the lead again when it comes back. */
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

/** A write to every survivor, again and again without waiting for the last ones: the first that is acknowledged counts. */
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
  throw new Error(`${node.id} took no write for ${GIVE_UP_MS} ms after its leader had gone`);
}

/** Writes go to the other nodes while the leader stops in order: how long the slowest of them took, and before. */
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
  // Awaited at the end: what a writer throws must not be nobody's until then.
  const writing = Promise.all(writers);
  writing.catch(() => undefined);
  await sleep(REST_MS);
  // What came before was warming up.
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
