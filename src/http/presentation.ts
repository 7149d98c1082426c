// Rows as callers see them: grams, ISO times, snake_case.

import type { AnswerOf } from '../api/operations.ts';
import { availableMilligrams, type Filament } from '../farm/model/filament.ts';
import { gramsFromMilligrams } from '../farm/model/milligrams.ts';
import type { PrintJob } from '../farm/model/print-job.ts';
import type { Printer } from '../farm/model/printer.ts';

export function presentPrinter({ id, company, model }: Printer): AnswerOf<'getPrinter'> {
  return { id, company, model };
}

export function presentFilament(filament: Filament): AnswerOf<'getFilament'> {
  return {
    id: filament.id,
    type: filament.material,
    color: filament.color,
    total_weight_in_grams: gramsFromMilligrams(filament.totalMilligrams),
    remaining_weight_in_grams: gramsFromMilligrams(filament.remainingMilligrams),
    reserved_weight_in_grams: gramsFromMilligrams(filament.reservedMilligrams),
    available_weight_in_grams: gramsFromMilligrams(availableMilligrams(filament)),
  };
}

export function presentPrintJob(printJob: PrintJob): AnswerOf<'getPrintJob'> {
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
}
