// The second model of the farm: a sequential object that judges the answers of the real one. It shares no
// code with src/farm. A workcell is a printer, a spool and their jobs. Workcells share nothing, so each has
// its own history (linearizability is local: Herlihy and Wing 1990, theorem 1).

import { unreachable } from '../../src/shared/assert.ts';
import type { SequentialModel } from './linearizability.ts';

export type WriteOperation =
  | { readonly kind: 'add-printer' }
  | { readonly kind: 'add-spool'; readonly total: number; readonly remaining: number }
  | { readonly kind: 'add-job'; readonly job: string; readonly weight: number }
  | { readonly kind: 'set-status'; readonly job: string; readonly status: string };

/** A read of one collection of the API. */
export type CollectionRead = { readonly kind: 'read-printer' | 'read-spool' | 'read-jobs' };
/** `read` sees the whole workcell at once. */
type ReadOperation = CollectionRead | { readonly kind: 'read' };

export type WorkcellOperation = WriteOperation | ReadOperation;

interface Job {
  readonly status: string;
  readonly weight: number;
}

export interface Workcell {
  readonly hasPrinter: boolean;
  readonly spool: { readonly total: number; readonly remaining: number } | undefined;
  /** Sorted by name. */
  readonly jobs: readonly (readonly [name: string, job: Job])[];
}

const NEXT_STATUSES: Readonly<Record<string, readonly string[]>> = {
  Queued: ['Running', 'Canceled'],
  Running: ['Done', 'Canceled', 'Failed'],
};

export function mayFollow({ from, to }: { from: string; to: string }): boolean {
  return NEXT_STATUSES[from]?.includes(to) === true;
}

/** A queued or running job. It reserves its weight. */
export function isOpen(status: string): boolean {
  return Object.hasOwn(NEXT_STATUSES, status);
}

/** Grows with each change of status: 0 queued, 1 running, 2 ended. */
export function statusRank(status: string): number {
  if (!isOpen(status)) return 2;
  return status === 'Queued' ? 0 : 1;
}

export function isRead(operation: WorkcellOperation): operation is ReadOperation {
  return operation.kind.startsWith('read');
}

type Answer = { readonly state: Workcell; readonly result: string };

export const workcellModel: SequentialModel<Workcell, WorkcellOperation> = {
  initial: { hasPrinter: false, spool: undefined, jobs: [] },
  keyOf: (workcell) => describe(workcell, 'read'),
  apply(workcell, operation): Answer {
    switch (operation.kind) {
      case 'add-printer':
        if (workcell.hasPrinter) return { state: workcell, result: 'already_exists' };
        return { state: { ...workcell, hasPrinter: true }, result: 'created' };
      case 'add-spool': {
        if (workcell.spool !== undefined) return { state: workcell, result: 'already_exists' };
        const { total, remaining } = operation;
        return {
          state: { ...workcell, spool: { total, remaining } },
          result: `created ${total}/${remaining}/0`,
        };
      }
      case 'add-job':
        return addJob(workcell, operation);
      case 'set-status':
        return setStatus(workcell, operation);
      case 'read':
      case 'read-printer':
      case 'read-spool':
      case 'read-jobs':
        return { state: workcell, result: describe(workcell, operation.kind) };
      default:
        return unreachable(operation);
    }
  },
};

/** The result of a read. */
export function describe(workcell: Workcell, read: ReadOperation['kind']): string {
  const { hasPrinter, spool, jobs } = workcell;
  switch (read) {
    case 'read-printer':
      return hasPrinter ? 'there' : 'none';
    case 'read-spool':
      return spool === undefined ? 'none' : `${spool.total}/${spool.remaining}/${reservedBy(jobs)}`;
    case 'read-jobs':
      return jobs.map(([name, { status, weight }]) => `${name}:${status}:${weight}`).join(' ');
    case 'read': {
      const [printer, reel, list] = (['read-printer', 'read-spool', 'read-jobs'] as const).map((part) =>
        describe(workcell, part),
      );
      return `printer ${printer}, spool ${reel}, jobs ${list}`;
    }
  }
}

function reservedBy(jobs: Workcell['jobs']): number {
  return jobs.reduce((sum, [, { status, weight }]) => (isOpen(status) ? sum + weight : sum), 0);
}

function addJob(workcell: Workcell, { job, weight }: WriteOperation & { kind: 'add-job' }): Answer {
  if (find(workcell, job) !== undefined) return { state: workcell, result: 'already_exists' };
  if (!workcell.hasPrinter) return { state: workcell, result: 'unknown_printer' };
  if (workcell.spool === undefined) return { state: workcell, result: 'unknown_filament' };
  const available = workcell.spool.remaining - reservedBy(workcell.jobs);
  if (weight > available) return { state: workcell, result: `insufficient_filament ${available}` };
  return { state: withJob(workcell, job, { status: 'Queued', weight }), result: `created Queued ${weight}` };
}

function setStatus(workcell: Workcell, { job, status }: WriteOperation & { kind: 'set-status' }): Answer {
  const before = find(workcell, job);
  if (before === undefined) return { state: workcell, result: 'not_found' };
  if (!mayFollow({ from: before.status, to: status })) {
    return { state: workcell, result: `invalid_transition from ${before.status}` };
  }
  const changed = withJob(workcell, job, { ...before, status });
  const result = `changed ${status}`;
  if (status !== 'Done' || workcell.spool === undefined) return { state: changed, result };
  const { total, remaining } = workcell.spool;
  return { state: { ...changed, spool: { total, remaining: remaining - before.weight } }, result };
}

function find(workcell: Workcell, name: string): Job | undefined {
  return workcell.jobs.find(([other]) => other === name)?.[1];
}

function withJob(workcell: Workcell, name: string, job: Job): Workcell {
  const others = workcell.jobs.filter(([other]) => other !== name);
  return { ...workcell, jobs: [...others, [name, job] as const].sort(([a], [b]) => (a < b ? -1 : 1)) };
}
