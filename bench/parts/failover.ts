// How long nobody can write when the leader dies, falls silent, or stops in order.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCluster, BenchNode } from '../cluster.ts';
import { followersOf } from '../cluster.ts';
import { type BenchContext, startSystems } from '../context.ts';
import type { Goal, PartResult } from '../result.ts';
import { median, percentile } from '../statistics.ts';

const TRIALS = { full: 20, quick: 5 };
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

type Fault = 'killed' | 'silent' | 'stopped';

export async function failover(context: BenchContext): Promise<PartResult> {
  const trials = context.isFull ? TRIALS.full : TRIALS.quick;
  const rows: (string | number)[][] = [];
  const times = new Map<string, number[]>();
  for (const cluster of await startSystems(context)) {
    for (const fault of ['killed', 'silent', 'stopped'] as const) {
      const found: number[] = [];
      for (let trial = 0; trial < trials; trial++) {
        found.push(await (fault === 'stopped' ? longestWait(cluster) : firstWrite(cluster, fault)));
      }
      context.tell(`${cluster.name}: leader ${fault}, ${found.map(Math.round).join(' ')} ms`);
      times.set(`${cluster.name} ${fault}`, found);
      rows.push([
        `${cluster.name}, ${WHAT[fault]}`,
        median(found),
        percentile(found, 90),
        Math.max(...found),
        trials,
      ]);
    }
    await cluster.remove();
  }
  return {
    part: 'failover',
    title: 'When the leader goes',
    tables: [{ title: 'Milliseconds', columns: ['', 'median', '90 of 100', 'longest', 'trials'], rows }],
    charts: [],
    goals: goals(times),
  };
}

const WHAT: Readonly<Record<Fault, string>> = {
  killed: 'kill -9 to the first acknowledged write',
  silent: 'SIGSTOP to the first acknowledged write',
  stopped: 'longest write around an orderly stop',
};

function goals(times: ReadonlyMap<string, readonly number[]>): Goal[] {
  const ours = (fault: Fault): readonly number[] => times.get(`raft3d ${fault}`) ?? [];
  const goal = (what: string, found: number, wanted: number): Goal => {
    return { what, found, wanted, sense: 'at most', unit: ' ms' };
  };
  return [
    goal('first write after kill -9, median', median(ours('killed')), 300),
    goal('first write after kill -9, longest', Math.max(...ours('killed')), 1_000),
    goal('first write after the leader fell silent, median', median(ours('silent')), 1_000),
    goal('longest write around an orderly stop', Math.max(...ours('stopped')), 100),
  ];
}

/** From the fault to the first write that a survivor acknowledged. The cluster is whole again afterwards. */
async function firstWrite(cluster: BenchCluster, fault: 'killed' | 'silent'): Promise<number> {
  const leader = await cluster.leader();
  await sleep(REST_MS);
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

/** Writes go to the other nodes while the leader stops in order: how long the slowest of them took. */
async function longestWait(cluster: BenchCluster): Promise<number> {
  const leader = await cluster.leader();
  await sleep(REST_MS);
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
  await sleep(AROUND_STOP_MS);
  // What came before was warming up.
  longest = 0;
  await leader.stop();
  await sleep(AROUND_STOP_MS);
  isOver = true;
  await Promise.all(writers);
  await leader.start();
  await cluster.leader();
  return longest;
}
