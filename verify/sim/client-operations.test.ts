import { expect, test } from 'vitest';
import { applyCommand } from '../../src/farm/apply.ts';
import { MemoryState } from '../../src/state/memory-state.ts';
import { type Bench, benchModel } from './checkers/farm-model.ts';
import { attemptOf, describeOutcome, drawOperation, encodeAttempt, readBench } from './client-operations.ts';
import { Draws } from './draws.ts';

const ROUNDS = 200;
const OPERATIONS = 40;

test('the model of a bench and the farm tell clients the same, whatever they do', () => {
  const results = new Set<string>();
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const draws = new Draws(seed);
    const state = new MemoryState();
    let bench: Bench = benchModel.initial;
    for (let attempt = 1; attempt <= OPERATIONS; attempt += 1) {
      const operation = drawOperation(draws, { jobs: Math.min(4, attempt), readWeight: 6 });
      const expected = benchModel.apply(bench, operation);
      bench = expected.state;
      if (operation.kind === 'read') expect(readBench(state, 'b1')).toBe(expected.result);
      else {
        const command = encodeAttempt('b1', operation, { attempt, idempotencyKey: undefined });
        expect(describeOutcome(applyCommand(state, command))).toBe(expected.result);
        results.add(expected.result.replace(/ .*/, ''));
      }
    }
  }
  // Nothing that the farm can answer is left out, but for what these clients cannot ask.
  expect([...results].sort()).toEqual([
    'already_exists',
    'changed',
    'created',
    'insufficient_filament',
    'invalid_transition',
    'not_found',
    'unknown_filament',
    'unknown_printer',
  ]);
});

test('benches do not see each other, also when one name begins like another', () => {
  const state = new MemoryState();
  for (const bench of ['b1', 'b10', 'b2']) {
    for (const operation of [
      { kind: 'add-printer' },
      { kind: 'add-spool', total: 100, remaining: 100 },
      { kind: 'add-job', job: '0', weight: 7 },
    ] as const) {
      applyCommand(state, encodeAttempt(bench, operation, { attempt: 1, idempotencyKey: undefined }));
    }
  }
  expect(readBench(state, 'b1')).toBe('printer there, spool 100/100/7, jobs 0:Queued:7');
  expect(readBench(state, 'b3')).toBe('printer none, spool none, jobs ');
});

test('an attempt is known by its command, with and without a key', () => {
  for (const idempotencyKey of [undefined, 'client1-7']) {
    const command = encodeAttempt('b1', { kind: 'add-printer' }, { attempt: 12_345, idempotencyKey });
    expect(attemptOf(command)).toBe(12_345);
  }
});

test('a retry with its key changes nothing and is told the same', () => {
  const state = new MemoryState();
  const tell = (attempt: number): string => {
    const command = encodeAttempt('b1', { kind: 'add-printer' }, { attempt, idempotencyKey: 'k' });
    return describeOutcome(applyCommand(state, command));
  };
  expect([tell(1), tell(2)]).toEqual(['created', 'created']);
});
