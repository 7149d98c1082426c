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

const STATUS_BY_CODE = Object.fromEntries(
  PRINT_JOB_STATUSES.map((status) => [STATUS_CODES[status], status]),
) as Readonly<Record<StatusCode, PrintJobStatus>>;

const NEXT_STATUSES: Readonly<Record<PrintJobStatus, readonly PrintJobStatus[]>> = {
  Queued: ['Running', 'Canceled'],
  Running: ['Done', 'Canceled', 'Failed'],
  Done: [],
  Canceled: [],
  Failed: [],
};

const STATUS_BY_LOWER_CASE: ReadonlyMap<string, PrintJobStatus> = new Map([
  ...PRINT_JOB_STATUSES.map((status): [string, PrintJobStatus] => [status.toLowerCase(), status]),
  ['cancelled', 'Canceled'],
]);

/** Returns the statuses that a job may change to from `status`. */
export function nextStatuses(status: PrintJobStatus): readonly PrintJobStatus[] {
  return NEXT_STATUSES[status];
}

export function statusOfCode(code: StatusCode): PrintJobStatus {
  return STATUS_BY_CODE[code];
}

/** Accepts the name of a status in any case. `Cancelled` becomes `Canceled`. */
export function checkPrintJobStatus(value: unknown): Checked<PrintJobStatus> {
  const status = typeof value === 'string' ? STATUS_BY_LOWER_CASE.get(value.toLowerCase()) : undefined;
  if (status === undefined) return rejected(`must be one of ${PRINT_JOB_STATUSES.join(', ')}`);
  return accepted(status);
}

export function isPrintJobStatus(value: unknown): value is PrintJobStatus {
  return (PRINT_JOB_STATUSES as readonly unknown[]).includes(value);
}
