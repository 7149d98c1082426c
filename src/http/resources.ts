// The three kinds of resources: path, keys, and how to read a row and show it to callers (grams, ISO times,
// snake_case).

import { type AnswerOf, OPERATIONS } from '../api/operations.ts';
import { availableMilligrams, FILAMENT_PREFIX, type Filament, getFilament } from '../farm/model/filament.ts';
import { gramsFromMilligrams } from '../farm/model/milligrams.ts';
import { getPrintJob, PRINT_JOB_PREFIX, type PrintJob } from '../farm/model/print-job.ts';
import { getPrinter, PRINTER_PREFIX, type Printer } from '../farm/model/printer.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import { type ListOptions, listFilaments, listPrinters, listPrintJobs } from '../farm/queries.ts';
import type { StateReader } from '../state/state-view.ts';

export interface ResourceType<Row, Shown> {
  readonly kind: ResourceKind;
  /** The path of the collection. */
  readonly path: string;
  /** The prefix of the keys of its rows. */
  readonly keyPrefix: string;
  readonly get: (reader: StateReader, id: string) => Row | undefined;
  readonly list: (reader: StateReader, options: ListOptions) => Iterable<Row>;
  readonly present: (row: Row) => Shown;
}

export const PRINTERS: ResourceType<Printer, AnswerOf<'getPrinter'>> = {
  kind: 'printer',
  path: OPERATIONS.listPrinters.path,
  keyPrefix: PRINTER_PREFIX,
  get: getPrinter,
  list: listPrinters,
  present: ({ id, company, model }) => ({ id, company, model }),
};

export const FILAMENTS: ResourceType<Filament, AnswerOf<'getFilament'>> = {
  kind: 'filament',
  path: OPERATIONS.listFilaments.path,
  keyPrefix: FILAMENT_PREFIX,
  get: getFilament,
  list: listFilaments,
  present: (filament) => ({
    id: filament.id,
    type: filament.material,
    color: filament.color,
    total_weight_in_grams: gramsFromMilligrams(filament.totalMilligrams),
    remaining_weight_in_grams: gramsFromMilligrams(filament.remainingMilligrams),
    reserved_weight_in_grams: gramsFromMilligrams(filament.reservedMilligrams),
    available_weight_in_grams: gramsFromMilligrams(availableMilligrams(filament)),
  }),
};

export const PRINT_JOBS: ResourceType<PrintJob, AnswerOf<'getPrintJob'>> = {
  kind: 'print_job',
  path: OPERATIONS.listPrintJobs.path,
  keyPrefix: PRINT_JOB_PREFIX,
  get: getPrintJob,
  list: listPrintJobs,
  present: (printJob) => {
    const { createdAtMs, updatedAtMs } = printJob;
    const createdAt = new Date(createdAtMs).toISOString();
    return {
      id: printJob.id,
      printer_id: printJob.printerId,
      filament_id: printJob.filamentId,
      filepath: printJob.filePath,
      print_weight_in_grams: gramsFromMilligrams(printJob.weightMilligrams),
      status: printJob.status,
      created_at: createdAt,
      // A waiting job has one time for both, and formatting a time is much of the cost of presenting a job.
      updated_at: updatedAtMs === createdAtMs ? createdAt : new Date(updatedAtMs).toISOString(),
    };
  },
};
