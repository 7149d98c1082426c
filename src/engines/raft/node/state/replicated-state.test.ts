import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import type { StateView } from '../../../../state/state-view.ts';
import type { Position } from '../../../engine.ts';
import type { WriteOperation } from '../ports/key-value-store.ts';
import { TestClock } from '../testing/clock.ts';
import { TestStore, textOf } from '../testing/store.ts';
import { type AppliedAt, type AppliedPoint, ReplicatedState } from './replicated-state.ts';

const FLUSH_AFTER_MS = 50;
/** The applied record of an engine without Raft. */
const putApplied = (applied: AppliedAt<AppliedPoint>): WriteOperation => ({
  kind: 'put',
  key: encodeUtf8('applied'),
  value: encodeUtf8(`${applied.index} in generation ${applied.generation}`),
});

function createState(applied = { index: 0, generation: 1 }) {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const state = new ReplicatedState<AppliedPoint>(
    {
      store,
      clock,
      stateMachine: {
        apply: (view: StateView, command: Uint8Array, position: Position) => {
          view.put(`key/${command[0]}`, position);
          return `at ${position}`;
        },
      },
      limits: { flushStateAfterMs: FLUSH_AFTER_MS, flushStateBytes: 1_000_000 },
      putApplied,
    },
    applied,
  );
  const apply = (index: number): unknown => {
    state.advance({ index });
    return state.applyCommand(new Uint8Array([index]));
  };
  /** Takes the changes that the disk lacks, as text. */
  const flush = (): string[] => {
    const operations: WriteOperation[] = [];
    state.addFlush(operations);
    return operations.map((one) => (one.kind === 'put' ? textOf(one.key) : 'delete').replace(/^s.{4}/s, ''));
  };
  return { clock, state, apply, flush };
}

test('a command is applied at its position, and its result comes back', () => {
  const { state, apply } = createState();
  expect(apply(7)).toBe('at 7');
  expect([state.position, state.rows.get('key/7')]).toEqual([7, 7]);
});

test('listeners are told once for a batch, and not after they left', () => {
  const { state, apply } = createState({ index: 4, generation: 1 });
  const told: number[] = [];
  const leave = state.onAdvance((position) => told.push(position));
  state.announceAdvance();
  apply(5);
  apply(6);
  state.announceAdvance();
  state.announceAdvance();
  leave();
  apply(7);
  state.announceAdvance();
  expect(told).toEqual([6]);
});

test('the applied record goes into the same write as the rows (trap 24)', () => {
  const { apply, flush } = createState();
  apply(1);
  expect(flush()).toEqual(['key/1', 'applied']);
});

test('a flush is due when the first change is old enough', () => {
  const { clock, state, apply } = createState();
  expect(state.isFlushDue).toBe(false);
  apply(1);
  clock.advance(FLUSH_AFTER_MS - 1);
  apply(2);
  expect(state.isFlushDue).toBe(false);
  clock.advance(1);
  expect(state.isFlushDue).toBe(true);
});

test('one flush is under way at a time, and changes made meanwhile go with the next one', () => {
  const { state, apply, flush } = createState();
  apply(1);
  flush();
  apply(2);
  expect([state.canFlush, state.durableIndex]).toEqual([false, 0]);
  state.onFlushed();
  expect([state.canFlush, state.durableIndex]).toEqual([true, 1]);
  expect(flush()).toEqual(['key/2', 'applied']);
  state.onFlushed();
  expect([state.canFlush, state.durableIndex]).toEqual([false, 2]);
});

test('an image replaces rows, point and generation, and nothing is flushed until it has', () => {
  const { state, apply } = createState();
  apply(1);
  state.beginAdoption({ index: 40, generation: 3 });
  expect([state.canFlush, state.isAdopting, state.position]).toEqual([false, true, 1]);
  const operations: WriteOperation[] = [];
  state.addAdoption(operations);
  expect(operations).toEqual([putApplied({ index: 40, generation: 3 })]);
  state.onAdopted();
  expect([state.isAdopting, state.position, state.durableIndex, state.rows.generation]).toEqual([
    false,
    40,
    40,
    3,
  ]);
  expect([state.rows.get('key/1'), state.canFlush]).toEqual([undefined, false]);
});
