// The operations of clients on one workcell: when they were invoked, and how they were answered.

import { present } from '../../src/shared/assert.ts';
import { isRead, type WorkcellOperation, workcellModel } from '../kit/farm-model.ts';
import { type HistoryOperation, judge } from '../kit/linearizability.ts';
import type { Violations } from '../kit/violations.ts';

interface Recorded extends HistoryOperation<WorkcellOperation> {
  readonly client: string;
  answer: { readonly at: number; readonly result: string } | undefined;
  /** Surely without effect: the history is judged without it. */
  isVoid: boolean;
}

/** An operation in progress. One of its methods is called, at most once. */
export interface OpenOperation {
  answered(result: string): void;
  /** The operation had no effect and never will. */
  hadNoEffect(): void;
  /** The client never learns the result. */
  unknown(): void;
}

/** A workcell is retired after this many operations, or unknown results: this keeps judging cheap. */
const MAX_OPERATIONS = 48;
const MAX_UNKNOWN = 6;

export class WorkcellHistory {
  readonly name: string;
  readonly #operations: Recorded[] = [];
  readonly #now: () => number;
  #unknown = 0;
  /** Number of jobs that clients know of. */
  jobs = 0;

  /** `now` returns moments of real time, each later than the one before. */
  constructor(name: string, now: () => number) {
    this.name = name;
    this.#now = now;
  }

  get isFull(): boolean {
    return this.#operations.length >= MAX_OPERATIONS || this.#unknown >= MAX_UNKNOWN;
  }

  get operations(): readonly HistoryOperation<WorkcellOperation>[] {
    return this.#operations.filter(({ isVoid }) => !isVoid);
  }

  begin(client: string, operation: WorkcellOperation): OpenOperation {
    const recorded: Recorded = {
      client,
      operation,
      invokedAt: this.#now(),
      answer: undefined,
      isVoid: false,
    };
    this.#operations.push(recorded);
    if (operation.kind === 'add-job') this.jobs = Math.max(this.jobs, Number(operation.job) + 1);
    return {
      answered: (result) => {
        recorded.answer = { at: this.#now(), result };
      },
      hadNoEffect: () => {
        recorded.isVoid = true;
      },
      unknown: () => {
        // A read without an answer shows nothing.
        if (isRead(operation)) recorded.isVoid = true;
        else this.#unknown += 1;
      },
    };
  }

  check(violations: Violations): 'judged' | 'undecided' {
    const operations = this.#operations.filter(({ isVoid }) => !isVoid);
    const judgement = judge(workcellModel, operations);
    if (judgement.kind === 'undecided') return 'undecided';
    if (judgement.kind === 'linearizable') return 'judged';
    const { stuckAt, explained } = judgement;
    const describe = (position: number): string =>
      describeOperation(present(operations[position], 'a judgement refers to positions in its history'));
    const lines = [...operations.keys()].map(
      (position) => `${explained.includes(position) ? '  ' : '? '}${describe(position)}`,
    );
    violations.add(
      'linearizability',
      `no order of the operations on workcell ${this.name} explains: ${describe(stuckAt)}\n${lines.join('\n')}`,
    );
    return 'judged';
  }
}

function describeOperation({ client, operation, invokedAt, answer }: Recorded): string {
  const end = answer === undefined ? '…' : `${answer.at}`;
  const { kind, ...rest } = operation;
  return `${client} [${invokedAt}, ${end}] ${kind} ${JSON.stringify(rest)} → ${answer?.result ?? 'unknown'}`;
}
