import { beforeEach, expect, test } from 'vitest';
import { MemoryState } from '../state/memory-state.ts';
import { applyCommand } from './apply.ts';
import { PRINT_JOB_STATUSES } from './model/print-job-status.ts';
import {
  apply,
  filamentOf,
  printerNamed,
  printJobOf,
  SOME_TIME_MS,
  statusOf,
  weightsOf,
} from './testing/commands.ts';

let state: MemoryState;

beforeEach(() => {
  state = new MemoryState();
  apply(state, printerNamed('p'));
  apply(state, filamentOf('f', 1_000_000));
});

test('a second printer with the id of a first is refused, and the first stays', () => {
  expect(apply(state, printerNamed('q'))).toMatchObject({ kind: 'created', resource: { row: { id: 'q' } } });
  const before = state.toText();
  expect(apply(state, printerNamed('q'))).toEqual({
    kind: 'refused',
    code: 'already_exists',
    resource: 'printer',
    id: 'q',
  });
  expect(state.toText()).toBe(before);
});

test('the same id may name a printer, a filament and a job', () => {
  expect(apply(state, printerNamed('x')).kind).toBe('created');
  expect(apply(state, filamentOf('x', 5)).kind).toBe('created');
  expect(apply(state, printJobOf('x', 5)).kind).toBe('created');
});

test('a new job is Queued and reserves its weight', () => {
  expect(apply(state, printJobOf('j', 15_000))).toMatchObject({
    kind: 'created',
    resource: { row: { status: 'Queued', createdAtMs: SOME_TIME_MS, updatedAtMs: SOME_TIME_MS } },
  });
  expect(weightsOf(state)).toEqual({ remaining: 1_000_000, reserved: 15_000 });
});

test('a job for an unknown printer or spool is refused', () => {
  const { printJob } = printJobOf('j', 1) as Extract<ReturnType<typeof printJobOf>, { printJob: unknown }>;
  const before = state.toText();
  expect(
    apply(state, { kind: 'add_print_job', printJob: { ...printJob, printerId: 'nowhere' } }),
  ).toMatchObject({ code: 'unknown_printer', printerId: 'nowhere' });
  expect(
    apply(state, { kind: 'add_print_job', printJob: { ...printJob, filamentId: 'nothing' } }),
  ).toMatchObject({ code: 'unknown_filament', filamentId: 'nothing' });
  expect(state.toText()).toBe(before);
});

test('of two jobs for the last grams one is accepted, and the other is told the available weight', () => {
  apply(state, printJobOf('first', 600_000));
  expect(apply(state, printJobOf('second', 400_001))).toEqual({
    kind: 'refused',
    code: 'insufficient_filament',
    filamentId: 'f',
    remainingMilligrams: 1_000_000,
    reservedMilligrams: 600_000,
    availableMilligrams: 400_000,
    askedMilligrams: 400_001,
  });
  expect(apply(state, printJobOf('second', 400_000)).kind).toBe('created');
});

test('Done takes the weight off the spool exactly once', () => {
  apply(state, printJobOf('j', 15_000));
  apply(state, statusOf('j', 'Running'));
  expect(weightsOf(state)).toEqual({ remaining: 1_000_000, reserved: 15_000 });
  expect(apply(state, statusOf('j', 'Done')).kind).toBe('changed');
  expect(weightsOf(state)).toEqual({ remaining: 985_000, reserved: 0 });
  expect(apply(state, statusOf('j', 'Done'))).toMatchObject({ code: 'invalid_transition', allowed: [] });
  expect(weightsOf(state)).toEqual({ remaining: 985_000, reserved: 0 });
});

test.each(['Canceled', 'Failed'] as const)('%s gives the reserved weight back', (status) => {
  apply(state, printJobOf('j', 15_000));
  apply(state, statusOf('j', 'Running'));
  apply(state, statusOf('j', status));
  expect(weightsOf(state)).toEqual({ remaining: 1_000_000, reserved: 0 });
});

test('all transitions but the shop’s are refused and change nothing', () => {
  const waysTo = {
    Queued: [],
    Running: ['Running'],
    Done: ['Running', 'Done'],
    Canceled: ['Canceled'],
    Failed: ['Running', 'Failed'],
  } as const;
  const happened: string[] = [];
  for (const from of PRINT_JOB_STATUSES) {
    for (const to of PRINT_JOB_STATUSES) {
      const id = `${from}→${to}`;
      apply(state, printJobOf(id, 1));
      for (const status of waysTo[from]) apply(state, statusOf(id, status));
      const before = state.toText();
      const outcome = apply(state, statusOf(id, to));
      if (outcome.kind === 'changed') happened.push(id);
      else {
        expect(outcome).toMatchObject({ code: 'invalid_transition', from, to });
        expect(state.toText()).toBe(before);
      }
    }
  }
  expect(happened).toEqual([
    'Queued→Running',
    'Queued→Canceled',
    'Running→Done',
    'Running→Canceled',
    'Running→Failed',
  ]);
});

test('a status change of an unknown job is refused', () => {
  expect(apply(state, statusOf('nothing', 'Running'))).toMatchObject({ code: 'not_found', id: 'nothing' });
});

test('a node with a slow clock does not move a job back in time', () => {
  apply(state, printJobOf('j', 1));
  expect(apply(state, statusOf('j', 'Running'), { atMs: 5 })).toMatchObject({
    resource: { row: { createdAtMs: SOME_TIME_MS, updatedAtMs: SOME_TIME_MS } },
  });
});

test('bytes that are not a command are refused and change nothing', () => {
  const before = state.toText();
  expect(applyCommand(state, new Uint8Array([1, 2, 3]))).toEqual({
    kind: 'refused',
    code: 'malformed_command',
  });
  expect(state.toText()).toBe(before);
});
