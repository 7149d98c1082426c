import { expect, test } from 'vitest';
import { checkPrintJobStatus, NEXT_STATUSES } from './print-job-status.ts';

test.each([
  ['queued', 'Queued'],
  ['RUNNING', 'Running'],
  ['Done', 'Done'],
  ['canceled', 'Canceled'],
  ['Cancelled', 'Canceled'],
  ['CANCELLED', 'Canceled'],
  ['failed', 'Failed'],
])('%s becomes %s', (given, kept) => expect(checkPrintJobStatus(given)).toEqual({ ok: true, value: kept }));

test.each(['', 'Paused', 'run ning', 'constructor', 3, undefined])('%j is not a status', (given) =>
  expect(checkPrintJobStatus(given)).toMatchObject({ ok: false }),
);

test('a job can only take the transitions of the shop', () => {
  expect(NEXT_STATUSES.Queued).toEqual(['Running', 'Canceled']);
  expect(NEXT_STATUSES.Running).toEqual(['Done', 'Canceled', 'Failed']);
  for (const last of ['Done', 'Canceled', 'Failed'] as const) expect(NEXT_STATUSES[last]).toEqual([]);
});
