import { beforeEach, expect, test } from 'vitest';
import { MemoryState } from '../../state/memory-state.ts';
import { getPrinter } from '../model/printer.ts';
import { apply, filamentOf, printerNamed, printJobOf, SOME_TIME_MS, statusOf } from '../testing/commands.ts';
import { MAX_IDEMPOTENCY_AGE_MS, MAX_IDEMPOTENCY_RECORDS, MAX_PRUNED_PER_COMMAND } from './idempotency.ts';

const CLAIM = { key: 'retry-1', fingerprint: 'one' };

let state: MemoryState;

beforeEach(() => {
  state = new MemoryState();
  apply(state, printerNamed('p'));
  apply(state, filamentOf('f', 1_000));
});

function recordCount(): number {
  return [...state.range({ prefix: 'idempotency/record/' })].length;
}

function queueCount(): number {
  return [...state.range({ prefix: 'idempotency/queue/' })].length;
}

test('a retry gets the first answer and applies nothing', () => {
  const first = apply(state, printJobOf('j', 10), { idempotency: CLAIM });
  apply(state, statusOf('j', 'Running'));
  const before = state.toText();
  expect(apply(state, printJobOf('j', 10), { idempotency: CLAIM })).toEqual(first);
  expect(state.toText()).toBe(before);
});

test('a retry with another generated id gets the first one', () => {
  const first = apply(state, printerNamed('minted-1'), { idempotency: CLAIM });
  expect(apply(state, printerNamed('minted-2'), { idempotency: CLAIM })).toEqual(first);
  expect(getPrinter(state, 'minted-2')).toBeUndefined();
});

test('a refusal is kept too: the retry is refused, although it would now succeed', () => {
  const refused = apply(state, printJobOf('j', 1_001), { idempotency: CLAIM });
  expect(refused).toMatchObject({ code: 'insufficient_filament' });
  expect(apply(state, printJobOf('j', 10), { idempotency: CLAIM })).toEqual(refused);
});

test('a key that comes with another request is refused, and the first answer stays', () => {
  const first = apply(state, printerNamed('q'), { idempotency: CLAIM });
  const before = state.toText();
  const reused = { ...CLAIM, fingerprint: 'two' };
  expect(apply(state, printerNamed('r'), { idempotency: reused })).toEqual({
    kind: 'refused',
    code: 'idempotency_key_reused',
  });
  expect(state.toText()).toBe(before);
  expect(apply(state, printerNamed('q'), { idempotency: CLAIM })).toEqual(first);
});

test('every command drops a few records older than a day, with or without a key of its own', () => {
  const RECORDS = MAX_PRUNED_PER_COMMAND + 1;
  for (let index = 0; index < RECORDS; index += 1) {
    apply(state, printerNamed(`q${index}`), { idempotency: { key: `k${index}`, fingerprint: 'x' } });
  }
  const dayLater = SOME_TIME_MS + MAX_IDEMPOTENCY_AGE_MS;
  apply(state, printerNamed('r1'), { atMs: dayLater });
  expect(recordCount()).toBe(RECORDS);
  apply(state, printerNamed('r2'), { atMs: dayLater + 1 });
  expect(recordCount()).toBe(1);
  apply(state, printerNamed('r3'), { atMs: dayLater + 1 });
  expect([recordCount(), queueCount()]).toEqual([0, 0]);
});

test('the number of records is bounded, and the oldest are dropped first', () => {
  for (let index = 0; index < MAX_IDEMPOTENCY_RECORDS + 10; index += 1) {
    apply(state, statusOf('nothing', 'Done'), { idempotency: { key: `k${index}`, fingerprint: 'x' } });
  }
  expect([recordCount(), queueCount()]).toEqual([MAX_IDEMPOTENCY_RECORDS, MAX_IDEMPOTENCY_RECORDS]);
  expect(state.get('idempotency/record/k9')).toBeUndefined();
  expect(state.get('idempotency/record/k10')).toBeDefined();
});
