// The life of a print job: Queued → Running → Done, with Canceled and Failed on the side.

import { accepted, type Checked, rejected } from './checked.ts';

export const PRINT_JOB_STATUSES = ['Queued', 'Running', 'Done', 'Canceled', 'Failed'] as const;
export type PrintJobStatus = (typeof PRINT_JOB_STATUSES)[number];

/** How rows say it. These letters are on disks: never give one another meaning. */
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

/** The statuses that a job may take from `status`. */
export function nextStatuses(status: PrintJobStatus): readonly PrintJobStatus[] {
  return NEXT_STATUSES[status];
}

export function statusOfCode(code: StatusCode): PrintJobStatus {
  return STATUS_BY_CODE[code];
}

/** A status name in any case; `Cancelled` is taken for `Canceled`. */
export function checkPrintJobStatus(value: unknown): Checked<PrintJobStatus> {
  const status = typeof value === 'string' ? STATUS_BY_LOWER_CASE.get(value.toLowerCase()) : undefined;
  if (status === undefined) return rejected(`must be one of ${PRINT_JOB_STATUSES.join(', ')}`);
  return accepted(status);
}

export function isPrintJobStatus(value: unknown): value is PrintJobStatus {
  return (PRINT_JOB_STATUSES as readonly unknown[]).includes(value);
}
