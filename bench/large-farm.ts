// A farm as large as they come: a thousand printers, ten thousand spools, and as many print jobs as are asked for.

import type { BenchContext } from './context.ts';
import { runLoad } from './load.ts';
import type { Raft3dCluster, Raft3dNode } from './raft3d-cluster.ts';

export const PRINTERS = 1_000;
export const SPOOLS = 10_000;
/** As a job's JSON is sent, and a spool's and a printer's: what the farm itself holds. */
const JOB_BYTES = 150;
const SPOOL_BYTES = 110;
const PRINTER_BYTES = 80;

const CONNECTIONS = 128;
const SECONDS_A_LOAD = 20;
const AT_ONCE = 100;

export function logicalBytes(jobs: number): number {
  return jobs * JOB_BYTES + SPOOLS * SPOOL_BYTES + PRINTERS * PRINTER_BYTES;
}

/** Adds what jobs need; what is there already stays. */
export async function stock(node: Raft3dNode): Promise<void> {
  await inBatches(PRINTERS, (at) =>
    post(node, '/api/v1/printers', {
      id: `printer-${padded(at, 4)}`,
      company: 'Prusa Research',
      model: 'MK4S',
    }),
  );
  await inBatches(SPOOLS, (at) =>
    post(node, '/api/v1/filaments', {
      id: `spool-${padded(at, 5)}`,
      type: 'PETG',
      color: 'Jet Black',
      total_weight_in_grams: 1_000_000,
    }),
  );
}

/** Adds print jobs until there are `wanted` more. Resolves to how many there are more, and the writes per second. */
export async function addJobs(
  context: BenchContext,
  cluster: Raft3dCluster,
  wanted: number,
): Promise<{ jobs: number; perSecond: number }> {
  let jobs = 0;
  let seconds = 0;
  while (jobs < wanted) {
    const leader = await cluster.leader();
    const rate = jobs === 0 ? Number.POSITIVE_INFINITY : jobs / seconds;
    const left = Math.ceil((wanted - jobs) / rate);
    const lasting = Math.max(1, Math.min(SECONDS_A_LOAD, left === 0 ? SECONDS_A_LOAD : left));
    const found = await runLoad({ url: leader.url, kind: 'job', connections: CONNECTIONS, seconds: lasting });
    jobs += found.requests - found.errors;
    seconds += lasting;
    context.tell(`${jobs.toLocaleString('en-US')} print jobs`);
  }
  return { jobs, perSecond: jobs / seconds };
}

async function inBatches(count: number, add: (at: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => add(from + at)));
  }
}

export async function post(node: Raft3dNode, path: string, body: unknown): Promise<void> {
  const { status } = await node.process.request(path, { body });
  if (status !== 201 && status !== 409) throw new Error(`POST ${path} was answered with ${status}`);
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
