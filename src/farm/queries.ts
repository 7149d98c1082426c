// Queries over the state. Lists are lazy and in key order. Each is valid for one turn of the event loop only.

import { present } from '../shared/assert.ts';
import type { Json, StateReader } from '../state/state-view.ts';
import { FILAMENT_PREFIX, type Filament, filamentFrom } from './model/filament.ts';
import { PRINT_JOB_PREFIX, type PrintJob, printJobFrom } from './model/print-job.ts';
import { indexedJobs, type PrintJobFilters } from './model/print-job-index.ts';
import { PRINTER_PREFIX, type Printer, printerFrom } from './model/printer.ts';

export interface ListOptions {
  /** Only rows with an id after this one, by UTF-8 bytes; the row itself need not exist. */
  readonly after?: string | undefined;
  /** The greatest number of rows, at least 1. */
  readonly limit?: number | undefined;
}

export function listPrinters(reader: StateReader, options: ListOptions = {}): Generator<Printer> {
  return listRows(reader, { prefix: PRINTER_PREFIX, from: printerFrom }, options);
}

export function listFilaments(reader: StateReader, options: ListOptions = {}): Generator<Filament> {
  return listRows(reader, { prefix: FILAMENT_PREFIX, from: filamentFrom }, options);
}

export function listPrintJobs(reader: StateReader, options: ListOptions = {}): Generator<PrintJob> {
  return listRows(reader, { prefix: PRINT_JOB_PREFIX, from: printJobFrom }, options);
}

/**
 * Looks through jobs in order of ids. `row` is undefined if a job does not match all filters. `limit` bounds
 * the jobs that are looked at.
 */
export function* findPrintJobs(
  reader: StateReader,
  filters: PrintJobFilters,
  { after, limit = Number.POSITIVE_INFINITY }: ListOptions = {},
): Generator<{ readonly id: string; readonly row: PrintJob | undefined }> {
  const { printerId } = filters;
  let count = 0;
  for (const id of indexedJobs(reader, filters, after)) {
    const row = present(reader.getOnce(PRINT_JOB_PREFIX + id), `print job ${id} is in an index but missing`);
    const printJob = printJobFrom(id, row);
    // If a filament was given, the index was by filament, so only the printer must still be compared.
    const isMatch = printerId === undefined || printJob.printerId === printerId;
    yield { id, row: isMatch ? printJob : undefined };
    count += 1;
    if (count >= limit) return;
  }
}

function* listRows<Row>(
  reader: StateReader,
  { prefix, from }: { prefix: string; from: (id: string, row: Json) => Row },
  { after, limit = Number.POSITIVE_INFINITY }: ListOptions,
): Generator<Row> {
  let count = 0;
  for (const [key, row] of reader.range({ prefix, ...(after !== undefined && { after: prefix + after }) })) {
    yield from(key.slice(prefix.length), row);
    count += 1;
    if (count >= limit) return;
  }
}
