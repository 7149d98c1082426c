// Two loads in one turn, in short slices by turns: while one load program runs, the other is stopped. The
// speed of a shared machine changes from second to second, and slices give both loads the same share of each
// moment.

import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCluster, BenchNode } from './cluster.ts';
import { Cost, type Measurement } from './context.ts';
import { startLoad } from './load.ts';
import type { Load } from './load-types.ts';
import type { RunningWrk } from './wrk-load.ts';

const SLICE_MS = 120;
/** After a slice: the nodes answer what is under way, in the time of the load that sent it. */
const DRAIN_MS = 20;

/** A stopped process would outlive this one: it cannot end by itself. */
const running = new Set<SlicedRun>();
process.once('exit', () => {
  for (const run of running) run.end();
});

export interface SlicedLoad {
  readonly cluster: BenchCluster;
  readonly leader: BenchNode;
  /** Both loads of a turn have the same `seconds`. */
  readonly load: Load;
}

/** Runs both loads, each for its `seconds` without the slices of the other. Needs wrk. */
export async function measureInSlices(
  pair: readonly [SlicedLoad, SlicedLoad],
): Promise<[Measurement, Measurement]> {
  try {
    const [first, second] = [new SlicedRun(pair[0]), new SlicedRun(pair[1])];
    const endAt = performance.now() + 2_000 * pair[0].load.seconds - SLICE_MS;
    for (let slice = 0; performance.now() < endAt; slice++) {
      // In the order 1 2 2 1: a machine that becomes slower is on both sides.
      await (slice % 4 === 0 || slice % 4 === 3 ? first : second).runSlice();
    }
    return [await first.finish(), await second.finish()];
  } finally {
    for (const run of running) run.end();
  }
}

/** Starts stopped. */
class SlicedRun {
  readonly #cost: Cost;
  readonly #wrk: RunningWrk;
  #ranMs = 0;

  constructor({ cluster, leader, load }: SlicedLoad) {
    this.#cost = new Cost(cluster, leader);
    this.#wrk = startLoad({ ...load, seconds: 2 * load.seconds });
    running.add(this);
    // A failure is told by `finish`, or by the failure of something else that comes first.
    this.#wrk.result.catch(() => undefined);
    this.#wrk.process.kill('SIGSTOP');
  }

  async runSlice(): Promise<void> {
    await this.#measured(async () => {
      await pause(SLICE_MS);
      this.#wrk.process.kill('SIGSTOP');
      await pause(DRAIN_MS);
    });
  }

  async finish(): Promise<Measurement> {
    const result = await this.#measured(() => this.#wrk.result);
    const perSecond = (1_000 * (result.requests - result.errors)) / this.#ranMs;
    return { ...result, perSecond, ...this.#cost.perRequest(result.requests) };
  }

  async #measured<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    this.#cost.start();
    this.#wrk.process.kill('SIGCONT');
    const result = await work();
    this.#cost.stop();
    this.#ranMs += performance.now() - startedAt;
    return result;
  }

  end(): void {
    running.delete(this);
    this.#wrk.process.kill('SIGKILL');
  }
}
