// A large farm: a thousand printers, ten thousand spools, and any number of print jobs.

import { apiRequest } from '../../kit/api-request.ts';
import type { BenchContext } from '../context.ts';
import { runLoad } from '../load.ts';
import type { LoadResult } from '../load-types.ts';
import { Raft3dCluster, type Raft3dNode } from '../raft3d-cluster.ts';
import { jobBody, PRINTERS, printerBody, SPOOLS, spoolBody } from './print-jobs.ts';

const FILLING_CONNECTIONS = 128;
const MAX_SECONDS_A_LOAD = 20;
/** Jobs added at once where a load of a whole second would add too many. */
const AT_ONCE = 64;
/** No load adds more jobs a second than this. */
export const MOST_JOBS_PER_SECOND = 12_000;
const OPENING_BRACE = 0x7b;
const COLLECTIONS = ['printers', 'filaments', 'print_jobs'] as const;

interface Duration {
  readonly seconds: number;
  readonly connections: number;
}

export class LargeFarm {
  readonly cluster: Raft3dCluster;
  /** Print jobs that were acknowledged. Their numbers have gaps: those under way when a load ended. */
  #jobs = 0;
  #nextNumber = 1;
  #nextRunning = 1;

  private constructor(cluster: Raft3dCluster) {
    this.cluster = cluster;
  }

  /** Starts three empty nodes. */
  static async start(context: BenchContext): Promise<LargeFarm> {
    const cluster = await Raft3dCluster.start(3);
    context.onEnd(() => cluster.remove());
    return new LargeFarm(cluster);
  }

  get jobs(): number {
    return this.#jobs;
  }

  /** The number of the next print job: all others are lower. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Adds the printers and the spools. */
  async stock(): Promise<void> {
    const leader = await this.cluster.leader();
    await inBatches(PRINTERS, (at) => post(leader, '/api/v1/printers', printerBody(at)));
    await inBatches(SPOOLS, (at) => post(leader, '/api/v1/filaments', spoolBody(at)));
  }

  /** Runs a load that adds print jobs. */
  async addFor({ url }: Raft3dNode, { seconds, connections }: Duration): Promise<LoadResult> {
    const job = this.#nextNumber;
    const found = await runLoad({ url, kind: 'job', connections, seconds, job });
    this.#jobs += found.requests - found.errors;
    // Each connection may have sent one more job without reading its answer, and wrk drops its first request.
    this.#nextNumber += found.requests + 2 * connections;
    return found;
  }

  /** Runs a load that sets one job after the other to Running: writes that do not grow the farm. */
  async updateFor({ url }: Raft3dNode, { seconds, connections }: Duration): Promise<LoadResult> {
    const job = this.#nextRunning;
    const found = await runLoad({ url, kind: 'status', connections, seconds, job });
    // Jobs that already run are refused, which is a write as well.
    this.#nextRunning = (job + found.requests + connections) % this.#nextNumber;
    return found;
  }

  /** Adds print jobs until there are `wanted`. Returns the jobs added a second. */
  async growTo(wanted: number, tell: (line: string) => void): Promise<number> {
    const [startedAt, before] = [performance.now(), this.#jobs];
    while (this.#jobs < wanted) {
      const missing = wanted - this.#jobs;
      const seconds = Math.min(MAX_SECONDS_A_LOAD, Math.floor(missing / MOST_JOBS_PER_SECOND));
      if (seconds === 0) await this.#addOneByOne(missing);
      else {
        const leader = await this.cluster.leader();
        const found = await this.addFor(leader, { seconds, connections: FILLING_CONNECTIONS });
        if (found.perSecond === 0) throw new Error('no print job was accepted');
      }
      tell(`${this.#jobs.toLocaleString('en-US')} print jobs`);
    }
    return (this.#jobs - before) / ((performance.now() - startedAt) / 1_000);
  }

  async #addOneByOne(count: number): Promise<void> {
    const leader = await this.cluster.leader();
    const first = this.#nextNumber;
    this.#nextNumber += count;
    await inBatches(count, (at) => post(leader, '/api/v1/print_jobs', jobBody(first + at)));
    this.#jobs += count;
  }

  /** Reads all collections of a node. Returns the bytes of JSON and the number of resources. */
  async readAll(node: Raft3dNode): Promise<{ bytes: number; resources: number }> {
    let [bytes, resources] = [0, 0];
    for (const collection of COLLECTIONS) {
      const { body } = await fetch(`${node.url}/api/v1/${collection}?consistency=stale`);
      for await (const chunk of body ?? []) {
        bytes += chunk.length;
        // A brace opens a resource: no text here has one, and resources are not nested.
        for (let at = chunk.indexOf(OPENING_BRACE); at !== -1; at = chunk.indexOf(OPENING_BRACE, at + 1)) {
          resources += 1;
        }
      }
    }
    return { bytes, resources };
  }
}

async function inBatches(count: number, add: (at: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => add(from + at)));
  }
}

export async function post(node: Raft3dNode, path: string, body: unknown): Promise<void> {
  const answer = await apiRequest(`${node.url}${path}`, { body });
  if (answer.status === 201) return;
  throw new Error(`POST ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
}
