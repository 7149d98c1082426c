// Where the farm's rows live in the replicated state, and how they are written there: as arrays without the names of
// their fields and without the id, which the key has. A farm has a million of them. What comes back needs no check: the
// store has made sure that it is what was written.
//
// | key | value |
// |---|---|
// | `p/<id>` | company, model |
// | `f/<id>` | material, color, milligrams in total, remaining, reserved |
// | `z/<id>` of a job | printer, filament, path, milligrams, code of the status, created at, updated at |
//
// Jobs, which are most of it, come last of all keys: new ids are mostly above the ones before, and only at the end of
// its tree does LMDB leave full pages behind, anywhere else half of each stays empty. For the same reason a row keeps its
// length when its status changes.
//
// The index of jobs is beside them (`job-index.ts`).

import { assert } from '../../shared/assert.ts';
import type { Json, StateReader, StateView } from '../../state/state-view.ts';
import type { Filament, Printer, PrintJob, ResourceKind } from './model.ts';
import { indexPrintJob } from './print-job-index.ts';
import { STATUS_CODES, type StatusCode, statusOfCode } from './print-job-status.ts';

/** One key prefix a kind; what follows is the id, so a prefix scan is in order of ids (by their UTF-8 bytes). */
export const KEY_PREFIXES = {
  printer: 'p/',
  filament: 'f/',
  print_job: 'z/',
} as const satisfies Readonly<Record<ResourceKind, string>>;

type PrinterRow = readonly [company: string, model: string];
type FilamentRow = readonly [
  material: string,
  color: string,
  total: number,
  remaining: number,
  reserved: number,
];
type PrintJobRow = readonly [
  printerId: string,
  filamentId: string,
  filePath: string,
  weightMilligrams: number,
  status: StatusCode,
  createdAtMs: number,
  updatedAtMs: number,
];

export function rowKey(kind: ResourceKind, id: string): string {
  return KEY_PREFIXES[kind] + id;
}

export function getPrinter(reader: StateReader, id: string): Printer | undefined {
  const row = reader.get(rowKey('printer', id));
  return row === undefined ? undefined : printerFrom(id, row);
}

export function getFilament(reader: StateReader, id: string): Filament | undefined {
  const row = reader.get(rowKey('filament', id));
  return row === undefined ? undefined : filamentFrom(id, row);
}

export function getPrintJob(reader: StateReader, id: string): PrintJob | undefined {
  const row = reader.get(rowKey('print_job', id));
  return row === undefined ? undefined : printJobFrom(id, row);
}

/** As getPrintJob, for one of many that are listed. */
export function getListedPrintJob(reader: StateReader, id: string): PrintJob | undefined {
  const row = reader.getOnce(rowKey('print_job', id));
  return row === undefined ? undefined : printJobFrom(id, row);
}

export function printerFrom(id: string, row: Json): Printer {
  const [company, model] = row as PrinterRow;
  return { id, company, model };
}

export function filamentFrom(id: string, row: Json): Filament {
  const [material, color, totalMilligrams, remainingMilligrams, reservedMilligrams] = row as FilamentRow;
  return { id, material, color, totalMilligrams, remainingMilligrams, reservedMilligrams };
}

export function printJobFrom(id: string, row: Json): PrintJob {
  const [printerId, filamentId, filePath, weightMilligrams, code, createdAtMs, updatedAtMs] =
    row as PrintJobRow;
  const status = statusOfCode(code);
  return { id, printerId, filamentId, filePath, weightMilligrams, status, createdAtMs, updatedAtMs };
}

export function printerRowOf({ company, model }: Printer): PrinterRow {
  return [company, model];
}

export function filamentRowOf(filament: Filament): FilamentRow {
  const { material, color, totalMilligrams, remainingMilligrams, reservedMilligrams } = filament;
  return [material, color, totalMilligrams, remainingMilligrams, reservedMilligrams];
}

export function printJobRowOf(printJob: PrintJob): PrintJobRow {
  const { printerId, filamentId, filePath, weightMilligrams, status, createdAtMs, updatedAtMs } = printJob;
  const code = STATUS_CODES[status];
  return [printerId, filamentId, filePath, weightMilligrams, code, createdAtMs, updatedAtMs];
}

export function putPrinter(view: StateView, printer: Printer): void {
  view.put(rowKey('printer', printer.id), printerRowOf(printer));
}

/** Holds invariant F1. */
export function putFilament(view: StateView, filament: Filament): void {
  const { id, totalMilligrams, remainingMilligrams, reservedMilligrams } = filament;
  assert(reservedMilligrams >= 0, `filament ${id} has less than nothing reserved`);
  assert(reservedMilligrams <= remainingMilligrams, `filament ${id} has more reserved than remains`);
  assert(remainingMilligrams <= totalMilligrams, `filament ${id} has more remaining than its total`);
  view.put(rowKey('filament', id), filamentRowOf(filament));
}

/** `previous` is the job as it was, undefined for a new one. Holds invariant F4. */
export function putPrintJob(view: StateView, printJob: PrintJob, previous?: PrintJob): void {
  view.put(rowKey('print_job', printJob.id), printJobRowOf(printJob));
  indexPrintJob(view, printJob, previous);
}
