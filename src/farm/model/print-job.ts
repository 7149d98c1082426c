// A print job, and its row in the replicated state: key `z/<id>`, value [printer, filament, path, milligrams,
// status code, created at, updated at]. print-job-index.ts finds jobs by field.
//
// Jobs are most of the state, and new ids mostly sort last. With the last prefix of all keys they are
// appended to LMDB's tree, which leaves full pages behind. Inserted elsewhere they would leave half of each
// page empty. For the same reason a row keeps its length when its status changes.

import type { Json, StateReader, StateView } from '../../state/state-view.ts';
import { indexPrintJob } from './print-job-index.ts';
import { type PrintJobStatus, STATUS_BY_CODE, STATUS_CODES, type StatusCode } from './print-job-status.ts';

export type PrintJob = {
  readonly id: string;
  readonly printerId: string;
  readonly filamentId: string;
  readonly filePath: string;
  readonly weightMilligrams: number;
  readonly status: PrintJobStatus;
  /** Milliseconds since 1970, by the clock of the node that took the request. */
  readonly createdAtMs: number;
  /** Never before createdAtMs, whatever the nodes' clocks say. */
  readonly updatedAtMs: number;
};

export const PRINT_JOB_PREFIX = 'z/';

type PrintJobRow = readonly [
  printerId: string,
  filamentId: string,
  filePath: string,
  weightMilligrams: number,
  status: StatusCode,
  createdAtMs: number,
  updatedAtMs: number,
];

export function getPrintJob(reader: StateReader, id: string): PrintJob | undefined {
  const row = reader.get(PRINT_JOB_PREFIX + id);
  return row === undefined ? undefined : printJobFrom(id, row);
}

export function printJobFrom(id: string, row: Json): PrintJob {
  const [printerId, filamentId, filePath, weightMilligrams, code, createdAtMs, updatedAtMs] =
    row as PrintJobRow;
  const status = STATUS_BY_CODE[code];
  return { id, printerId, filamentId, filePath, weightMilligrams, status, createdAtMs, updatedAtMs };
}

/** For tests: they write rows that break invariants. */
export function printJobRowOf(printJob: PrintJob): PrintJobRow {
  const { printerId, filamentId, filePath, weightMilligrams, status, createdAtMs, updatedAtMs } = printJob;
  const code = STATUS_CODES[status];
  return [printerId, filamentId, filePath, weightMilligrams, code, createdAtMs, updatedAtMs];
}

/** `previous` is the job before this change, undefined for a new one. Holds invariant F4. */
export function putPrintJob(view: StateView, printJob: PrintJob, previous?: PrintJob): void {
  view.put(PRINT_JOB_PREFIX + printJob.id, printJobRowOf(printJob));
  indexPrintJob(view, printJob, previous);
}
