import { expect, test } from 'vitest';
import { checkPrintJobStatus, nextStatuses } from './print-job-status.ts';

test.each([
  ['queued', 'Queued'],
  ['RUNNING', 'Running'],
  ['Done', 'Done'],
  ['canceled', 'Canceled'],
  ['Cancelled', 'Canceled'],
  ['CANCELLED', 'Canceled'],
  ['failed', 'Failed'],
])('%s is taken for %s', (given, kept) =>
  expect(checkPrintJobStatus(given)).toEqual({ ok: true, value: kept }),
);

test.each(['', 'Paused', 'run ning', 'constructor', 3, undefined])('%j is no status', (given) =>
  expect(checkPrintJobStatus(given)).toMatchObject({ ok: false }),
);

test('the ways through a job are those of the shop, and no other', () => {
  expect(nextStatuses('Queued')).toEqual(['Running', 'Canceled']);
  expect(nextStatuses('Running')).toEqual(['Done', 'Canceled', 'Failed']);
  for (const last of ['Done', 'Canceled', 'Failed'] as const) expect(nextStatuses(last)).toEqual([]);
});
