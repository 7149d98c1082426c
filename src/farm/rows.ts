// Where the farm's rows live in the replicated state. Rows are read back as they were written: the store checks sums.

import { assert } from '../shared/assert.ts';
import { indexPrintJob } from './job-index.ts';
import type { Filament, Printer, PrintJob, ResourceKind } from './model.ts';
import type { Json, StateReader, StateView } from './state-view.ts';

/** One key prefix a kind; what follows is the id, so a prefix scan is in order of ids (by their UTF-8 bytes). */
export const KEY_PREFIXES = {
  printer: 'printer/',
  filament: 'filament/',
  print_job: 'job/',
} as const satisfies Readonly<Record<ResourceKind, string>>;

export function rowKey(kind: ResourceKind, id: string): string {
  return KEY_PREFIXES[kind] + id;
}

export function getPrinter(reader: StateReader, id: string): Printer | undefined {
  return reader.get(rowKey('printer', id)) as Printer | undefined;
}

export function getFilament(reader: StateReader, id: string): Filament | undefined {
  return reader.get(rowKey('filament', id)) as Filament | undefined;
}

export function getPrintJob(reader: StateReader, id: string): PrintJob | undefined {
  return reader.get(rowKey('print_job', id)) as PrintJob | undefined;
}

export function putPrinter(view: StateView, printer: Printer): void {
  view.put(rowKey('printer', printer.id), printer satisfies Json);
}

/** Holds invariant F1. */
export function putFilament(view: StateView, filament: Filament): void {
  const { id, totalMilligrams, remainingMilligrams, reservedMilligrams } = filament;
  assert(reservedMilligrams >= 0, `filament ${id} has less than nothing reserved`);
  assert(reservedMilligrams <= remainingMilligrams, `filament ${id} has more reserved than remains`);
  assert(remainingMilligrams <= totalMilligrams, `filament ${id} has more remaining than its total`);
  view.put(rowKey('filament', id), filament satisfies Json);
}

/** `previous` is the job as it was, undefined for a new one. Holds invariant F4. */
export function putPrintJob(view: StateView, printJob: PrintJob, previous?: PrintJob): void {
  view.put(rowKey('print_job', printJob.id), printJob satisfies Json);
  indexPrintJob(view, printJob, previous);
}
