import { expect, test } from 'vitest';
import { differencesBetween, duplicatesIn } from './audit.ts';

const WORKCELLS = new Set(['b1']);
const SPOOL = {
  id: 'b1',
  total_weight_in_grams: 1_000,
  remaining_weight_in_grams: 900,
  reserved_weight_in_grams: 30,
};
const job = (id: string, status: string) => ({
  id,
  filament_id: 'b1',
  print_weight_in_grams: 15,
  status,
});
const FARM = {
  printers: [{ id: 'b1' }],
  spools: [SPOOL],
  jobs: [job('b1.0', 'Queued'), job('b1.1', 'Running'), job('b1.2', 'Done')],
};

test('a farm with each row once has no duplicates', () => {
  expect(duplicatesIn(FARM, WORKCELLS)).toEqual([]);
});

test.each([
  ['a duplicate row', { ...FARM, printers: [{ id: 'b1' }, { id: 'b1' }] }, 'b1 is there twice'],
  ['a row that no client created', { ...FARM, printers: [{ id: 'b2' }] }, 'no client created b2'],
  [
    'a reservation that counts twice',
    { ...FARM, spools: [{ ...SPOOL, reserved_weight_in_grams: 45 }] },
    'spool b1 has 45 g reserved, its jobs need 30 g',
  ],
])('%s is found', (_, farm, problem) => {
  expect(duplicatesIn(farm, WORKCELLS)).toEqual([problem]);
});

test('a row that differs in any field, or is on one node only, is a difference', () => {
  expect(differencesBetween(FARM, structuredClone(FARM))).toEqual([]);
  const other = { ...FARM, jobs: [{ ...job('b1.0', 'Queued'), filepath: '/x' }, ...FARM.jobs.slice(1)] };
  expect(differencesBetween(FARM, other)).toEqual([
    `only the first has ${JSON.stringify(FARM.jobs[0])}`,
    `only the second has ${JSON.stringify(other.jobs[0])}`,
  ]);
  expect(differencesBetween(FARM, { ...FARM, printers: [] })).toEqual(['only the first has {"id":"b1"}']);
});
