import { beforeEach, expect, test } from 'vitest';
import { FILAMENT_PREFIX, filamentRowOf } from '../../src/farm/model/filament.ts';
import { PRINT_JOB_PREFIX, printJobRowOf } from '../../src/farm/model/print-job.ts';
import type { PrintJobStatus } from '../../src/farm/model/print-job-status.ts';
import { FarmInvariants } from './farm-invariants.ts';
import { Violations } from './violations.ts';

let violations: Violations;
let farm: FarmInvariants;

function spool(remainingMilligrams: number, reservedMilligrams: number): [string, string] {
  const weights = { totalMilligrams: 100, remainingMilligrams, reservedMilligrams };
  const row = filamentRowOf({ id: 'f', material: 'PLA', color: 'Red', ...weights });
  return [`${FILAMENT_PREFIX}f`, JSON.stringify(row)];
}

function job(status: PrintJobStatus, id = 'j'): [string, string] {
  const row = printJobRowOf({
    id,
    printerId: 'p',
    filamentId: 'f',
    filePath: '/x',
    weightMilligrams: 30,
    status,
    createdAtMs: 0,
    updatedAtMs: 0,
  });
  return [PRINT_JOB_PREFIX + id, JSON.stringify(row)];
}

function found(): string[] {
  return violations.found.map(({ property }) => property);
}

beforeEach(() => {
  violations = new Violations();
  farm = new FarmInvariants(violations);
  farm.onRows([spool(100, 0)]);
});

test('a job that is queued, runs and is done violates nothing', () => {
  farm.onRows([spool(100, 30), job('Queued')]);
  farm.onRows([job('Running')]);
  farm.onRows([spool(70, 0), job('Done')]);
  expect(found()).toEqual([]);
});

test('a negative weight is found', () => {
  farm.onRows([spool(-1, 0)]);
  expect(found()).toContain('reserved fits remaining weight');
});

test('more reserved than remaining weight is found', () => {
  farm.onRows([spool(20, 30), job('Queued')]);
  expect(found()).toEqual(['reserved fits remaining weight']);
});

test('an illegal status change is found', () => {
  farm.onRows([spool(100, 30), job('Queued')]);
  farm.onRows([spool(100, 0), job('Done')]);
  expect(found()).toEqual(['legal status changes']);
});

test('a job that does not begin as queued is found', () => {
  farm.onRows([spool(100, 30), job('Running')]);
  expect(found()).toEqual(['legal status changes']);
});

test('a reservation that does not match the open jobs is found', () => {
  farm.onRows([spool(100, 60), job('Queued', 'one'), job('Queued', 'two')]);
  farm.onRows([spool(100, 0), job('Canceled', 'one')]);
  expect(found()).toEqual(['reserved equals open jobs']);
});
