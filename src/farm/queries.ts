// Questions about the state. Lists are lazy and in key order; each is good for one turn of the event loop only.

import type { Filament, Printer, PrintJob } from './model.ts';
import type { PrintJobStatus } from './print-job-status.ts';
import { KEY_PREFIXES } from './rows.ts';
import type { StateReader } from './state-view.ts';

export interface ListOptions {
  /** Only rows with an id after this one, by UTF-8 bytes; the row itself need not exist. */
  readonly after?: string | undefined;
  /** At most so many rows. */
  readonly limit?: number | undefined;
}

export interface PrintJobFilters {
  readonly status?: PrintJobStatus | undefined;
  readonly printerId?: string | undefined;
  readonly filamentId?: string | undefined;
}

export function listPrinters(reader: StateReader, options: ListOptions = {}): Generator<Printer> {
  return listRows(reader, { prefix: KEY_PREFIXES.printer, ...options });
}

export function listFilaments(reader: StateReader, options: ListOptions = {}): Generator<Filament> {
  return listRows(reader, { prefix: KEY_PREFIXES.filament, ...options });
}

export function listPrintJobs(reader: StateReader, options: ListOptions = {}): Generator<PrintJob> {
  return listRows(reader, { prefix: KEY_PREFIXES.print_job, ...options });
}

/** Does `printJob` have all that the filters ask for? */
export function matchesFilters(printJob: PrintJob, filters: PrintJobFilters): boolean {
  const { status, printerId, filamentId } = filters;
  if (status !== undefined && printJob.status !== status) return false;
  if (printerId !== undefined && printJob.printerId !== printerId) return false;
  return filamentId === undefined || printJob.filamentId === filamentId;
}

function* listRows<Row extends Printer | Filament | PrintJob>(
  reader: StateReader,
  { prefix, after, limit = Number.POSITIVE_INFINITY }: ListOptions & { prefix: string },
): Generator<Row> {
  if (limit <= 0) return;
  let count = 0;
  for (const [, value] of reader.range({ prefix, ...(after !== undefined && { after: prefix + after }) })) {
    yield value as Row;
    count += 1;
    if (count >= limit) return;
  }
}
