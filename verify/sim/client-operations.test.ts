import { expect, test } from 'vitest';
import { applyCommand } from '../../src/farm/apply.ts';
import { MemoryState } from '../../src/state/memory-state.ts';
import { Draws } from '../kit/draws.ts';
import { isRead, type Workcell, workcellModel } from '../kit/farm-model.ts';
import {
  attemptOf,
  describeOutcome,
  drawOperation,
  encodeAttempt,
  readWorkcell,
} from './client-operations.ts';

const ROUNDS = 200;
const OPERATIONS = 40;

test('the model of a workcell and the farm answer every operation alike', () => {
  const results = new Set<string>();
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const draws = new Draws(seed);
    const state = new MemoryState();
    let workcell: Workcell = workcellModel.initial;
    for (let attempt = 1; attempt <= OPERATIONS; attempt += 1) {
      const operation = drawOperation(draws, { jobs: Math.min(4, attempt), readWeight: 6 });
      const expected = workcellModel.apply(workcell, operation);
      workcell = expected.state;
      if (isRead(operation)) expect(readWorkcell(state, 'b1')).toBe(expected.result);
      else {
        const command = encodeAttempt('b1', operation, { attempt, idempotencyKey: undefined });
        expect(describeOutcome(applyCommand(state, command))).toBe(expected.result);
        results.add(expected.result.replace(/ .*/, ''));
      }
    }
  }
  // All results of the farm that these clients can provoke.
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

test('a read of a workcell sees no other workcell, also when its name is a prefix of the other', () => {
  const state = new MemoryState();
  for (const workcell of ['b1', 'b10', 'b2']) {
    for (const operation of [
      { kind: 'add-printer' },
      { kind: 'add-spool', total: 100, remaining: 100 },
      { kind: 'add-job', job: '0', weight: 7 },
    ] as const) {
      applyCommand(state, encodeAttempt(workcell, operation, { attempt: 1, idempotencyKey: undefined }));
    }
  }
  expect(readWorkcell(state, 'b1')).toBe('printer there, spool 100/100/7, jobs 0:Queued:7');
  expect(readWorkcell(state, 'b3')).toBe('printer none, spool none, jobs ');
});

test('the attempt is read back from its command, with and without an idempotency key', () => {
  for (const idempotencyKey of [undefined, 'client1-7']) {
    const command = encodeAttempt('b1', { kind: 'add-printer' }, { attempt: 12_345, idempotencyKey });
    expect(attemptOf(command)).toBe(12_345);
  }
});

test('a retry with the same idempotency key changes nothing and has the same answer', () => {
  const state = new MemoryState();
  const tell = (attempt: number): string => {
    const command = encodeAttempt('b1', { kind: 'add-printer' }, { attempt, idempotencyKey: 'k' });
    return describeOutcome(applyCommand(state, command));
  };
  expect([tell(1), tell(2)]).toEqual(['created', 'created']);
});
