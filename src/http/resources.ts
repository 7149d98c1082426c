// The three kinds of resources: name, path, keys, and how to read and present a row.

import { type AnswerOf, OPERATIONS } from '../api/operations.ts';
import { FILAMENT_PREFIX, type Filament, getFilament } from '../farm/model/filament.ts';
import { getPrintJob, PRINT_JOB_PREFIX, type PrintJob } from '../farm/model/print-job.ts';
import { getPrinter, PRINTER_PREFIX, type Printer } from '../farm/model/printer.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import { type ListOptions, listFilaments, listPrinters, listPrintJobs } from '../farm/queries.ts';
import type { StateReader } from '../state/state-view.ts';
import { presentFilament, presentPrinter, presentPrintJob } from './presentation.ts';

export interface Rows {
  readonly printer: Printer;
  readonly filament: Filament;
  readonly print_job: PrintJob;
}

export interface Presented {
  readonly printer: AnswerOf<'getPrinter'>;
  readonly filament: AnswerOf<'getFilament'>;
  readonly print_job: AnswerOf<'getPrintJob'>;
}

export interface ResourceType<Kind extends ResourceKind> {
  readonly kind: Kind;
  readonly name: string;
  /** The path of the collection. */
  readonly path: string;
  /** The prefix of the keys of its rows. */
  readonly keyPrefix: string;
  readonly get: (reader: StateReader, id: string) => Rows[Kind] | undefined;
  readonly list: (reader: StateReader, options: ListOptions) => Iterable<Rows[Kind]>;
  readonly present: (row: Rows[Kind]) => Presented[Kind];
}

export const PRINTERS: ResourceType<'printer'> = {
  kind: 'printer',
  name: 'printer',
  path: OPERATIONS.listPrinters.path,
  keyPrefix: PRINTER_PREFIX,
  get: getPrinter,
  list: listPrinters,
  present: presentPrinter,
};

export const FILAMENTS: ResourceType<'filament'> = {
  kind: 'filament',
  name: 'filament',
  path: OPERATIONS.listFilaments.path,
  keyPrefix: FILAMENT_PREFIX,
  get: getFilament,
  list: listFilaments,
  present: presentFilament,
};

export const PRINT_JOBS: ResourceType<'print_job'> = {
  kind: 'print_job',
  name: 'print job',
  path: OPERATIONS.listPrintJobs.path,
  keyPrefix: PRINT_JOB_PREFIX,
  get: getPrintJob,
  list: listPrintJobs,
  present: presentPrintJob,
};

export const RESOURCES = { printer: PRINTERS, filament: FILAMENTS, print_job: PRINT_JOBS } as const;
