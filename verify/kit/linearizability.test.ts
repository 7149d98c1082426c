import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HistoryOperation, judge, type SequentialModel } from './linearizability.ts';

type RegisterOperation = { readonly kind: 'write'; readonly value: number } | { readonly kind: 'read' };

const register: SequentialModel<number, RegisterOperation> = {
  initial: 0,
  keyOf: String,
  apply: (state, operation) =>
    operation.kind === 'write' ? { state: operation.value, result: 'ok' } : { state, result: String(state) },
};

type History = readonly HistoryOperation<RegisterOperation>[];

function write(value: number, invokedAt: number, at?: number): HistoryOperation<RegisterOperation> {
  return {
    operation: { kind: 'write', value },
    invokedAt,
    answer: at === undefined ? undefined : { at, result: 'ok' },
  };
}

function read(result: number, invokedAt: number, at: number): HistoryOperation<RegisterOperation> {
  return { operation: { kind: 'read' }, invokedAt, answer: { at, result: String(result) } };
}

function verdict(...history: History): string {
  return judge(register, history).kind;
}

describe('linearizable', () => {
  test('is an empty history', () => {
    expect(verdict()).toBe('linearizable');
  });

  test('is one operation after the other', () => {
    expect(verdict(write(1, 1, 2), read(1, 3, 4), write(2, 5, 6), read(2, 7, 8))).toBe('linearizable');
  });

  test('is a read that sees a concurrent write or misses it', () => {
    expect(verdict(write(1, 1, 4), read(0, 2, 3))).toBe('linearizable');
    expect(verdict(write(1, 1, 4), read(1, 2, 3))).toBe('linearizable');
  });

  test('is an unanswered write that takes effect at once, later, or never', () => {
    expect(verdict(write(1, 1), read(1, 2, 3))).toBe('linearizable');
    expect(verdict(write(1, 1), read(0, 2, 3), read(1, 4, 5))).toBe('linearizable');
    expect(verdict(write(1, 1), read(0, 2, 3), read(0, 4, 5))).toBe('linearizable');
  });

  test('are concurrent writes in either order', () => {
    expect(verdict(write(1, 1, 5), write(2, 2, 6), read(1, 7, 8))).toBe('linearizable');
    expect(verdict(write(1, 1, 5), write(2, 2, 6), read(2, 7, 8))).toBe('linearizable');
  });
});

describe('not linearizable', () => {
  test('is a read that misses a write acknowledged before it began', () => {
    expect(verdict(write(1, 1, 2), read(0, 3, 4))).toBe('not-linearizable');
  });

  test('is a lost write', () => {
    expect(verdict(write(1, 1, 2), write(2, 3, 4), read(1, 5, 6))).toBe('not-linearizable');
  });

  test('are reads that go back in time during a write', () => {
    expect(verdict(write(1, 1, 9), read(1, 2, 3), read(0, 4, 5))).toBe('not-linearizable');
  });

  test('is a value that no operation wrote', () => {
    expect(verdict(write(1, 1, 2), read(7, 3, 4))).toBe('not-linearizable');
  });

  test('is an unanswered write that takes effect twice', () => {
    expect(verdict(write(1, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7), read(1, 8, 9))).toBe(
      'not-linearizable',
    );
  });

  test('are readers that disagree on the order of two writes', () => {
    const history = [write(1, 1, 20), write(2, 2, 21), read(1, 3, 4), read(2, 5, 6), read(1, 7, 8)];
    expect(verdict(...history)).toBe('not-linearizable');
  });
});

test('a judgement names the operation that no order explains', () => {
  const judgement = judge(register, [write(1, 1, 2), read(1, 3, 4), read(0, 5, 6)]);
  expect(judgement).toEqual({ kind: 'not-linearizable', stuckAt: 2, explained: [0, 1] });
});

test('a search beyond its bound ends undecided', () => {
  const unanswered = Array.from({ length: 12 }, (_, at) => write(at + 1, at));
  expect(judge(register, [...unanswered, read(99, 50, 51)], 1_000).kind).toBe('undecided');
});

// ---------------------------------------------------------------- brute force

interface Draft {
  readonly operation: RegisterOperation;
  readonly start: number;
  readonly length: number;
  readonly isAnswered: boolean;
  readonly seen: number;
}

const drafts = fc.array(
  fc.record({
    operation: fc.oneof(
      fc.record({ kind: fc.constant('write' as const), value: fc.integer({ min: 1, max: 2 }) }),
      fc.record({ kind: fc.constant('read' as const) }),
    ),
    start: fc.integer({ min: 0, max: 9 }),
    length: fc.integer({ min: 1, max: 6 }),
    isAnswered: fc.boolean(),
    seen: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 5 },
);

/** No two moments are equal: the position in the list breaks ties. */
function historyOf(list: readonly Draft[]): History {
  return list.map(({ operation, start, length, isAnswered, seen }, place) => {
    const result = operation.kind === 'write' ? 'ok' : String(seen);
    const at = start + length + place / 100 + 0.5;
    return { operation, invokedAt: start + place / 100, answer: isAnswered ? { at, result } : undefined };
  });
}

/** Tries every order with every subset of the unanswered operations. */
function isExplained(history: History): boolean {
  const search = (left: readonly HistoryOperation<RegisterOperation>[], state: number): boolean => {
    if (left.every(({ answer }) => answer === undefined)) return true;
    return left.some((next) => {
      const others = left.filter((other) => other !== next);
      if (others.some(({ answer }) => answer !== undefined && answer.at < next.invokedAt)) return false;
      const after = register.apply(state, next.operation);
      if (next.answer !== undefined && next.answer.result !== after.result) return false;
      return search(others, after.state);
    });
  };
  return search(history, register.initial);
}

test('the checker agrees with a search through all orders', () => {
  fc.assert(
    fc.property(drafts, (list) => {
      const history = historyOf(list);
      expect(judge(register, history).kind).toBe(isExplained(history) ? 'linearizable' : 'not-linearizable');
    }),
    { numRuns: 2_000 },
  );
});
