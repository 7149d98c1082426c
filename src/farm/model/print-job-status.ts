// The life cycle of a print job: Queued → Running → Done, or to Canceled or Failed.

import { accepted, type Checked, rejected } from './checked.ts';

export const PRINT_JOB_STATUSES = ['Queued', 'Running', 'Done', 'Canceled', 'Failed'] as const;
export type PrintJobStatus = (typeof PRINT_JOB_STATUSES)[number];

/** The statuses in rows. These letters are on disks. Never give one another meaning. */
export const STATUS_CODES = {
  Queued: 'q',
  Running: 'r',
  Done: 'd',
  Canceled: 'c',
  Failed: 'f',
} as const satisfies Readonly<Record<PrintJobStatus, string>>;
export type StatusCode = (typeof STATUS_CODES)[PrintJobStatus];

export const STATUS_BY_CODE = Object.fromEntries(
  PRINT_JOB_STATUSES.map((status) => [STATUS_CODES[status], status]),
) as Readonly<Record<StatusCode, PrintJobStatus>>;

/** The statuses that a job may change to from each. */
export const NEXT_STATUSES: Readonly<Record<PrintJobStatus, readonly PrintJobStatus[]>> = {
  Queued: ['Running', 'Canceled'],
  Running: ['Done', 'Canceled', 'Failed'],
  Done: [],
  Canceled: [],
  Failed: [],
};

/** Accepts the name of a status in any case. `Cancelled` becomes `Canceled`. */
export function checkPrintJobStatus(value: unknown): Checked<PrintJobStatus> {
  const name = typeof value === 'string' ? value.toLowerCase().replace(/^cancelled$/, 'canceled') : undefined;
  const status = PRINT_JOB_STATUSES.find((one) => one.toLowerCase() === name);
  if (status === undefined) return rejected(`must be one of ${PRINT_JOB_STATUSES.join(', ')}`);
  return accepted(status);
}

export function isPrintJobStatus(value: unknown): value is PrintJobStatus {
  return (PRINT_JOB_STATUSES as readonly unknown[]).includes(value);
}
