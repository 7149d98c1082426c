// The farm as one sequential object, written a second time and as simply as can be: what clients are told is judged
// against it. One bench is a printer, a spool and the jobs on them; benches share nothing, so each has a history of
// its own (linearizability is local: Herlihy and Wing 1990, theorem 1).

import { unreachable } from '../../../src/shared/assert.ts';
import type { SequentialModel } from '../../kit/linearizability.ts';

export type BenchOperation =
  | { readonly kind: 'add-printer' }
  | { readonly kind: 'add-spool'; readonly total: number; readonly remaining: number }
  | { readonly kind: 'add-job'; readonly job: string; readonly weight: number }
  | { readonly kind: 'set-status'; readonly job: string; readonly status: string }
  | { readonly kind: 'read' };

interface Job {
  readonly status: string;
  readonly weight: number;
}

export interface Bench {
  readonly hasPrinter: boolean;
  readonly spool: { readonly total: number; readonly remaining: number } | undefined;
  /** By name, sorted. */
  readonly jobs: readonly (readonly [name: string, job: Job])[];
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  Queued: ['Running', 'Canceled'],
  Running: ['Done', 'Canceled', 'Failed'],
};

type Answer = { readonly state: Bench; readonly result: string };

export const benchModel: SequentialModel<Bench, BenchOperation> = {
  initial: { hasPrinter: false, spool: undefined, jobs: [] },
  keyOf: describeBench,
  apply(bench, operation): Answer {
    switch (operation.kind) {
      case 'add-printer':
        if (bench.hasPrinter) return { state: bench, result: 'already_exists' };
        return { state: { ...bench, hasPrinter: true }, result: 'created' };
      case 'add-spool': {
        if (bench.spool !== undefined) return { state: bench, result: 'already_exists' };
        const { total, remaining } = operation;
        return {
          state: { ...bench, spool: { total, remaining } },
          result: `created ${total}/${remaining}/0`,
        };
      }
      case 'add-job':
        return addJob(bench, operation);
      case 'set-status':
        return setStatus(bench, operation);
      case 'read':
        return { state: bench, result: describeBench(bench) };
      default:
        return unreachable(operation);
    }
  },
};

/** What a reader of everything on the bench sees. */
export function describeBench({ hasPrinter, spool, jobs }: Bench): string {
  const seenSpool = spool === undefined ? 'none' : `${spool.total}/${spool.remaining}/${reserved(jobs)}`;
  const seenJobs = jobs.map(([name, { status, weight }]) => `${name}:${status}:${weight}`);
  return `printer ${hasPrinter ? 'there' : 'none'}, spool ${seenSpool}, jobs ${seenJobs.join(' ')}`;
}

function reserved(jobs: Bench['jobs']): number {
  return jobs.reduce((sum, [, { status, weight }]) => (NEXT[status] === undefined ? sum : sum + weight), 0);
}

function addJob(bench: Bench, { job, weight }: BenchOperation & { kind: 'add-job' }): Answer {
  if (find(bench, job) !== undefined) return { state: bench, result: 'already_exists' };
  if (!bench.hasPrinter) return { state: bench, result: 'unknown_printer' };
  if (bench.spool === undefined) return { state: bench, result: 'unknown_filament' };
  const available = bench.spool.remaining - reserved(bench.jobs);
  if (weight > available) return { state: bench, result: `insufficient_filament ${available}` };
  return { state: withJob(bench, job, { status: 'Queued', weight }), result: `created Queued ${weight}` };
}

function setStatus(bench: Bench, { job, status }: BenchOperation & { kind: 'set-status' }): Answer {
  const before = find(bench, job);
  if (before === undefined) return { state: bench, result: 'not_found' };
  if (NEXT[before.status]?.includes(status) !== true) {
    return { state: bench, result: `invalid_transition from ${before.status}` };
  }
  const changed = withJob(bench, job, { ...before, status });
  if (status !== 'Done' || bench.spool === undefined) return { state: changed, result: `changed ${status}` };
  const { total, remaining } = bench.spool;
  return {
    state: { ...changed, spool: { total, remaining: remaining - before.weight } },
    result: `changed ${status}`,
  };
}

function find(bench: Bench, name: string): Job | undefined {
  return bench.jobs.find(([other]) => other === name)?.[1];
}

function withJob(bench: Bench, name: string, job: Job): Bench {
  const others = bench.jobs.filter(([other]) => other !== name);
  return { ...bench, jobs: [...others, [name, job] as const].sort(([a], [b]) => (a < b ? -1 : 1)) };
}
