// What clients ask over HTTP, and the sequential object that their answers are judged against: the simulator's model of
// a bench, with the reads that the API has. One request of the API reads one kind of resource, never the whole bench.

import { present } from '../../src/shared/assert.ts';
import type { SequentialModel } from '../kit/linearizability.ts';
import { type Bench, type BenchOperation, benchModel, describeBench } from '../sim/checkers/farm-model.ts';

export type WriteOperation = Exclude<BenchOperation, { kind: 'read' }>;
export type ReadOperation = {
  readonly kind: 'read-printer' | 'read-spool' | 'read-jobs';
};
export type Operation = WriteOperation | ReadOperation;

const PARTS = /^printer (\S+), spool (\S+), jobs (.*)$/;
const PART_OF = { 'read-printer': 1, 'read-spool': 2, 'read-jobs': 3 } as const;

export const chaosModel: SequentialModel<Bench, Operation> = {
  initial: benchModel.initial,
  keyOf: benchModel.keyOf,
  apply(bench, operation) {
    if (!isRead(operation)) return benchModel.apply(bench, operation);
    const parts = present(PARTS.exec(describeBench(bench)), 'the model describes every bench in three parts');
    return { state: bench, result: present(parts[PART_OF[operation.kind]], 'each part is there') };
  },
};

export function isRead(operation: Operation): operation is ReadOperation {
  return operation.kind in PART_OF;
}

/** The creation or change was acknowledged as having taken effect, not refused. */
export function tookEffect(result: string): boolean {
  return result.startsWith('created') || result.startsWith('changed');
}

/** How far a job is: a status never gives way to one before it. */
function progressOf(status: string): number {
  if (status === 'Queued') return 0;
  return status === 'Running' ? 1 : 2;
}

/** Whether a read that saw `seen` shows this write, which took effect before the read began. */
export function shows(read: ReadOperation, seen: string, write: WriteOperation): boolean {
  switch (read.kind) {
    case 'read-printer':
      return write.kind !== 'add-printer' || seen === 'there';
    case 'read-spool':
      return write.kind !== 'add-spool' || seen !== 'none';
    case 'read-jobs': {
      if (write.kind !== 'add-job' && write.kind !== 'set-status') return true;
      const [, status] =
        seen
          .split(' ')
          .find((job) => job.startsWith(`${write.job}:`))
          ?.split(':') ?? [];
      if (status === undefined) return false;
      if (write.kind === 'add-job') return true;
      const isEnd = progressOf(write.status) === 2;
      return isEnd ? status === write.status : progressOf(status) >= progressOf(write.status);
    }
  }
}
