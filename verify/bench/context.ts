// The settings of a run, and measurements that several parts share.

import type { BenchCluster, BenchNode } from './cluster.ts';
import { followersOf } from './cluster.ts';
import { EtcdCluster } from './etcd-cluster.ts';
import { runLoad } from './load.ts';
import type { Load, LoadResult } from './load-types.ts';
import { processorMicros } from './processes.ts';
import { Raft3dCluster } from './raft3d-cluster.ts';
import { medianOf } from './statistics.ts';

export interface BenchContext {
  readonly isFull: boolean;
  /** Print jobs of the large farm; undefined: the default of a full or a quick run. */
  readonly jobs: number | undefined;
  /** How often each measurement is taken, the systems in turns. */
  readonly repetitions: number;
  readonly seconds: number;
  readonly etcdVersion: string | undefined;
  /** Reports progress. */
  tell(line: string): void;
  /** Registers a clean-up for the end of the part, however it ends. */
  onEnd(cleanup: () => Promise<void>): void;
}

/** Starts three nodes of each system that is installed; ours first. */
export async function startSystems(context: BenchContext): Promise<BenchCluster[]> {
  const clusters: BenchCluster[] = [await Raft3dCluster.start(3)];
  if (context.etcdVersion !== undefined) clusters.push(await EtcdCluster.start(3));
  for (const cluster of clusters) context.onEnd(() => cluster.remove());
  return clusters;
}

/** A load with what it cost: processor time per request, in microseconds. */
export type Measurement = LoadResult & {
  readonly leaderMicros: number;
  /** The mean of the followers. */
  readonly followerMicros: number;
};

export async function measure(cluster: BenchCluster, leader: BenchNode, load: Load): Promise<Measurement> {
  const cost = new Cost(cluster, leader);
  cost.start();
  const result = await runLoad(load);
  cost.stop();
  return { ...result, ...cost.perRequest(result.requests) };
}

/** Adds up the processor time of a cluster, over the times between `start` and `stop`. */
export class Cost {
  readonly #leader: BenchNode;
  readonly #followers: readonly BenchNode[];
  readonly #micros = { leader: 0, followers: 0 };

  constructor(cluster: BenchCluster, leader: BenchNode) {
    this.#leader = leader;
    this.#followers = followersOf(cluster, leader);
  }

  start(): void {
    this.#add(-1);
  }

  stop(): void {
    this.#add(1);
  }

  #add(sign: 1 | -1): void {
    this.#micros.leader += sign * processorMicros(this.#leader.pid);
    for (const { pid } of this.#followers) this.#micros.followers += sign * processorMicros(pid);
  }

  perRequest(requests: number): Pick<Measurement, 'leaderMicros' | 'followerMicros'> {
    const { leader, followers } = this.#micros;
    const followerMicros = followers / Math.max(1, this.#followers.length) / requests;
    return { leaderMicros: leader / requests, followerMicros };
  }
}

export interface Contender<T extends Readonly<Record<string, number>>> {
  readonly name: string;
  measure(): Promise<T>;
}

/** Measures the contenders in turns, `repetitions` times each. Returns the median of each field, by name. */
export async function inTurns<T extends Readonly<Record<string, number>>>(
  context: BenchContext,
  contenders: readonly Contender<T>[],
): Promise<Map<string, T>> {
  const seen = new Map<string, T[]>(contenders.map(({ name }) => [name, []]));
  for (let turn = 0; turn < context.repetitions; turn++) {
    for (const { name, measure } of contenders) seen.get(name)?.push(await measure());
  }
  return new Map([...seen].map(([name, records]) => [name, medianOf(records)]));
}

export function ratio(a: number | undefined, b: number | undefined): number {
  return a === undefined || b === undefined ? Number.NaN : a / b;
}
