// Who asked what, when, and what they were told: one history for each bench.

import { present } from '../../src/shared/assert.ts';
import { type HistoryOperation, judge } from '../kit/linearizability.ts';
import { type BenchOperation, benchModel } from './checkers/farm-model.ts';
import type { Violations } from './checkers/violations.ts';

interface Recorded extends HistoryOperation<BenchOperation> {
  readonly client: string;
  answer: { readonly at: number; readonly result: string } | undefined;
  /** Surely without effect: it is as if it had never been asked. */
  isVoid: boolean;
}

/** An operation under way; its end is told once, or never. */
export interface OpenOperation {
  answered(result: string): void;
  /** It surely has had and will have no effect. */
  hadNoEffect(): void;
  /** Nobody will know. */
  unknown(): void;
}

/** A bench with so many operations, or so many without a known end, is left for a new one: judging stays cheap. */
const MAX_OPERATIONS = 48;
const MAX_UNKNOWN = 6;

export class BenchHistory {
  readonly name: string;
  readonly #operations: Recorded[] = [];
  readonly #now: () => number;
  #unknown = 0;
  /** As far as clients know. */
  jobs = 0;

  /** `now` gives the moments of real time, each later than the one before. */
  constructor(name: string, now: () => number) {
    this.name = name;
    this.#now = now;
  }

  get isFull(): boolean {
    return this.#operations.length >= MAX_OPERATIONS || this.#unknown >= MAX_UNKNOWN;
  }

  get operations(): readonly HistoryOperation<BenchOperation>[] {
    return this.#operations.filter(({ isVoid }) => !isVoid);
  }

  begin(client: string, operation: BenchOperation): OpenOperation {
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
        // A read that nobody saw says nothing.
        if (operation.kind === 'read') recorded.isVoid = true;
        else this.#unknown += 1;
      },
    };
  }

  check(violations: Violations): 'judged' | 'undecided' {
    const operations = this.#operations.filter(({ isVoid }) => !isVoid);
    const judgement = judge(benchModel, operations);
    if (judgement.kind === 'undecided') return 'undecided';
    if (judgement.kind === 'linearizable') return 'judged';
    const { stuckAt, explained } = judgement;
    const describe = (position: number): string =>
      describeOperation(present(operations[position], 'a judgement speaks of its history'));
    const lines = [...operations.keys()].map(
      (position) => `${explained.includes(position) ? '  ' : '? '}${describe(position)}`,
    );
    violations.add(
      'linearizability',
      `no order of the operations on bench ${this.name} explains: ${describe(stuckAt)}\n${lines.join('\n')}`,
    );
    return 'judged';
  }
}

function describeOperation({ client, operation, invokedAt, answer }: Recorded): string {
  const end = answer === undefined ? '…' : `${answer.at}`;
  const { kind, ...rest } = operation;
  return `${client} [${invokedAt}, ${end}] ${kind} ${JSON.stringify(rest)} → ${answer?.result ?? 'unknown'}`;
}
