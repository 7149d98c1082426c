// Which print jobs have a status, a printer or a filament: rows of the replicated state beside the jobs', so that a
// filtered page of a farm with a million jobs reads what it shows and little more.
//
// | key | value |
// |---|---|
// | `jobs-by-status/<code><job id>` | 1 |
// | `jobs-by-printer/<printer id> U+0000 <job id>` | the code of the job's status |
// | `jobs-by-filament/<filament id> U+0000 <job id>` | the code of the job's status |
//
// No id contains a control character.

import { assert } from '../shared/assert.ts';
import type { PrintJob } from './model.ts';
import type { PrintJobStatus } from './print-job-status.ts';
import type { Json, StateReader, StateView } from './state-view.ts';

export interface PrintJobFilters {
  readonly status?: PrintJobStatus | undefined;
  readonly printerId?: string | undefined;
  readonly filamentId?: string | undefined;
}

/** These letters are on disks: never give one another meaning. */
const STATUS_CODES: Readonly<Record<PrintJobStatus, string>> = {
  Queued: 'q',
  Running: 'r',
  Done: 'd',
  Canceled: 'c',
  Failed: 'f',
};

/** Invariant F4: these rows exist for each job as it is now, and no other rows of these prefixes. */
export function indexRowsOf({
  id,
  status,
  printerId,
  filamentId,
}: PrintJob): (readonly [key: string, value: Json])[] {
  const code = STATUS_CODES[status];
  return [
    [`jobs-by-status/${code}${id}`, 1],
    [`jobs-by-printer/${printerId}\u0000${id}`, code],
    [`jobs-by-filament/${filamentId}\u0000${id}`, code],
  ];
}

/** Brings the index from what the job was, if it was there, to what it is. */
export function indexPrintJob(view: StateView, printJob: PrintJob, previous: PrintJob | undefined): void {
  const rows = indexRowsOf(printJob);
  if (previous !== undefined) {
    const kept = new Set(rows.map(([key]) => key));
    for (const [key] of indexRowsOf(previous)) if (!kept.has(key)) view.delete(key);
  }
  for (const [key, value] of rows) view.put(key, value);
}

/** A row of the index that was looked at: the job that it names, and whether its status is the one asked for. */
export interface IndexedJob {
  readonly id: string;
  readonly hasStatus: boolean;
}

/**
 * In order of job ids, those after `after`: all that may match by the narrowest index that the filters have, which of
 * filament, printer and status is the first one given. At least one filter must be.
 */
export function* indexedJobs(
  reader: StateReader,
  { status, printerId, filamentId }: PrintJobFilters,
  after: string | undefined,
): Generator<IndexedJob> {
  const prefix = indexPrefix({ status, printerId, filamentId });
  const code = status && STATUS_CODES[status];
  const isByStatus = printerId === undefined && filamentId === undefined;
  for (const [key, value] of reader.range({
    prefix,
    ...(after !== undefined && { after: prefix + after }),
  })) {
    yield { id: key.slice(prefix.length), hasStatus: isByStatus || code === undefined || value === code };
  }
}

function indexPrefix({ status, printerId, filamentId }: PrintJobFilters): string {
  if (filamentId !== undefined) return `jobs-by-filament/${filamentId}\u0000`;
  if (printerId !== undefined) return `jobs-by-printer/${printerId}\u0000`;
  assert(status !== undefined, 'a search without a filter needs no index');
  return `jobs-by-status/${STATUS_CODES[status]}`;
}
