// The clients' requests and answers with their times, kept for judging and written as JSON lines.

import fs from 'node:fs';
import { assert } from '../../src/shared/assert.ts';
import { isRead, workcellModel } from '../kit/farm-model.ts';
import { type HistoryOperation, judge } from '../kit/linearizability.ts';
import type { Violations } from '../kit/violations.ts';
import { type Operation, shows, tookEffect } from './acknowledged.ts';

/** `no-effect`: refused (with this code) without any effect, or a read without an answer. */
export type Ending =
  | { readonly kind: 'answered'; readonly result: string }
  | { readonly kind: 'no-effect'; readonly code?: string }
  | { readonly kind: 'unknown' };

interface Asked {
  readonly process: string;
  readonly node: string;
  readonly workcell: string;
  readonly operation: Operation;
}

export interface Recorded extends HistoryOperation<Operation>, Asked {
  answer: { readonly at: number; readonly result: string } | undefined;
  ending: Ending | undefined;
}

/** Bounds of one workcell, which keep judging cheap: beyond them a new workcell is used. */
const MAX_OPERATIONS = 40;
const MAX_UNKNOWN = 5;

export class History {
  readonly #byWorkcell = new Map<string, Recorded[]>();
  readonly #startedAt = process.hrtime.bigint();
  readonly #file: number;
  #lastMoment = 0;
  operations = 0;
  /** Writes that took effect by their answers. */
  acknowledged = 0;
  /** Writes that a rule of the farm refused. */
  refused = 0;
  /** Writes without a known end. */
  unknown = 0;

  constructor(file: string) {
    this.#file = fs.openSync(file, 'w');
  }

  get workcells(): ReadonlyMap<string, readonly Recorded[]> {
    return this.#byWorkcell;
  }

  isFull(workcell: string): boolean {
    const operations = this.#byWorkcell.get(workcell) ?? [];
    const unknown = operations.filter(({ ending }) => ending?.kind === 'unknown');
    return operations.length >= MAX_OPERATIONS || unknown.length >= MAX_UNKNOWN;
  }

  /** Returns ns since the history began. No two values are equal. */
  now(): number {
    this.#lastMoment = Math.max(Number(process.hrtime.bigint() - this.#startedAt), this.#lastMoment + 1);
    return this.#lastMoment;
  }

  begin(asked: Asked): Recorded {
    const recorded: Recorded = { ...asked, invokedAt: this.now(), answer: undefined, ending: undefined };
    const operations = this.#byWorkcell.get(asked.workcell) ?? [];
    operations.push(recorded);
    this.#byWorkcell.set(asked.workcell, operations);
    this.operations += 1;
    return recorded;
  }

  end(recorded: Recorded, ending: Ending): void {
    assert(recorded.ending === undefined, 'an operation ends once');
    // A read without an answer proves nothing.
    const isUnseen = ending.kind === 'unknown' && isRead(recorded.operation);
    recorded.ending = isUnseen ? { kind: 'no-effect' } : ending;
    const endedAt = this.now();
    if (ending.kind === 'answered') recorded.answer = { at: endedAt, result: ending.result };
    if (recorded.ending.kind === 'unknown') this.unknown += 1;
    if (ending.kind === 'answered' && !isRead(recorded.operation)) {
      if (tookEffect(ending.result)) this.acknowledged += 1;
      else this.refused += 1;
    }
    fs.writeSync(this.#file, `${JSON.stringify(lineOf(recorded, endedAt))}\n`);
  }

  close(): void {
    fs.closeSync(this.#file);
  }

  /** Judges every workcell. Returns the number of workcells that were too hard to judge. */
  check(violations: Violations): { readonly undecided: number } {
    let undecided = 0;
    for (const [workcell, recorded] of this.#byWorkcell) {
      const operations = recorded.filter(({ ending }) => ending?.kind !== 'no-effect');
      const judgement = judge(workcellModel, operations);
      if (judgement.kind === 'undecided') undecided += 1;
      if (judgement.kind !== 'not-linearizable') continue;
      const lines = operations.map((one, at) => {
        const mark = at === judgement.stuckAt ? '>' : judgement.explained.includes(at) ? ' ' : '?';
        return `${mark} ${JSON.stringify(lineOf(one, one.answer?.at))}`;
      });
      violations.add('linearizability', `no order explains workcell ${workcell}:\n${lines.join('\n')}`);
    }
    return { undecided };
  }

  /** Returns reads that miss a write acknowledged before they began. */
  staleReads(): { readonly read: Recorded; readonly missed: Recorded }[] {
    return [...this.#byWorkcell.values()].flatMap((operations) => {
      const acknowledged = operations.filter(
        ({ answer }) => answer !== undefined && tookEffect(answer.result),
      );
      return operations.flatMap((read) => {
        const missed = acknowledged.find((write) => isMissedBy(read, write));
        return missed === undefined ? [] : [{ read, missed }];
      });
    });
  }
}

function isMissedBy(read: Recorded, write: Recorded): boolean {
  if (!isRead(read.operation) || read.answer === undefined || isRead(write.operation)) return false;
  if (write.answer === undefined || write.answer.at >= read.invokedAt) return false;
  return !shows(read.operation, read.answer.result, write.operation);
}

/** Returns a line of the file; docs/testing.md has the format. */
function lineOf(
  { process, node, workcell, operation, invokedAt, ending }: Recorded,
  endedAt: number | undefined,
) {
  const { kind, ...value } = operation;
  return {
    process,
    node,
    operation: kind,
    key: workcell,
    value,
    invocation_ns: invokedAt,
    response_ns: ending?.kind === 'unknown' ? null : (endedAt ?? null),
    outcome: ending?.kind ?? 'unknown',
    result: ending?.kind === 'answered' ? ending.result : null,
  };
}
