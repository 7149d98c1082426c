// Rows as callers see them: grams, ISO times, snake_case.

import { availableMilligrams, type Filament } from '../farm/model/filament.ts';
import { gramsFromMilligrams } from '../farm/model/milligrams.ts';
import type { PrintJob } from '../farm/model/print-job.ts';
import type { Printer } from '../farm/model/printer.ts';
import type { Resource } from '../farm/model/resource.ts';
import { unreachable } from '../shared/assert.ts';

export function presentPrinter({ id, company, model }: Printer) {
  return { id, company, model };
}

export function presentFilament(filament: Filament) {
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

export function presentPrintJob(printJob: PrintJob) {
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
    // Of a job that waits it is the same moment, and making the text is much of presenting a job.
    updated_at: updatedAtMs === createdAtMs ? createdAt : new Date(updatedAtMs).toISOString(),
  };
}

export function presentResource(resource: Resource): object {
  switch (resource.kind) {
    case 'printer':
      return presentPrinter(resource.row);
    case 'filament':
      return presentFilament(resource.row);
    case 'print_job':
      return presentPrintJob(resource.row);
    default:
      return unreachable(resource);
  }
}
