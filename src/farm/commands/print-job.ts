// Commands on print jobs, and the effect of a job's status on its spool.

import { assert, present } from '../../shared/assert.ts';
import type { StateView } from '../../state/state-view.ts';
import { availableMilligrams, getFilament, putFilament } from '../model/filament.ts';
import { isMilligrams } from '../model/milligrams.ts';
import { getPrintJob, type PrintJob, putPrintJob } from '../model/print-job.ts';
import { isPrintJobStatus, NEXT_STATUSES, type PrintJobStatus } from '../model/print-job-status.ts';
import { getPrinter } from '../model/printer.ts';
import { MAX_FILE_PATH_CHARACTERS } from '../model/text.ts';
import type { FarmOutcome } from '../outcome.ts';
import { type EncodedFields, isId, isText } from './fields.ts';

/** Encoded as ["j", id, printer, filament, path, milligrams]. */
export interface AddPrintJob {
  readonly kind: 'add_print_job';
  /** The weight is more than 0. */
  readonly printJob: Omit<PrintJob, 'status' | 'createdAtMs' | 'updatedAtMs'>;
}

/** Encoded as ["s", id, status]. */
export interface ChangePrintJobStatus {
  readonly kind: 'change_print_job_status';
  readonly id: string;
  readonly status: PrintJobStatus;
}

export function encodeAddPrintJob({ printJob }: AddPrintJob): EncodedFields {
  const { id, printerId, filamentId, filePath, weightMilligrams } = printJob;
  return ['j', id, printerId, filamentId, filePath, weightMilligrams];
}

export function decodeAddPrintJob(fields: readonly unknown[]): AddPrintJob | undefined {
  const [, id, printerId, filamentId, filePath, weightMilligrams] = fields;
  if (fields.length !== 6 || !isId(id) || !isId(printerId) || !isId(filamentId)) return undefined;
  if (!isText(filePath, MAX_FILE_PATH_CHARACTERS)) return undefined;
  if (!isMilligrams(weightMilligrams) || weightMilligrams === 0) return undefined;
  return { kind: 'add_print_job', printJob: { id, printerId, filamentId, filePath, weightMilligrams } };
}

export function encodeChangePrintJobStatus({ id, status }: ChangePrintJobStatus): EncodedFields {
  return ['s', id, status];
}

export function decodeChangePrintJobStatus(fields: readonly unknown[]): ChangePrintJobStatus | undefined {
  const [, id, status] = fields;
  if (fields.length !== 3 || !isId(id) || !isPrintJobStatus(status)) return undefined;
  return { kind: 'change_print_job_status', id, status };
}

/** Reserves the job's weight on its spool. */
export function addPrintJob(view: StateView, { printJob: added }: AddPrintJob, atMs: number): FarmOutcome {
  const { id, printerId, filamentId, weightMilligrams } = added;
  if (getPrintJob(view, id) !== undefined) {
    return { kind: 'refused', code: 'already_exists', resource: 'print_job', id };
  }
  if (getPrinter(view, printerId) === undefined) {
    return { kind: 'refused', code: 'unknown_printer', printerId };
  }
  const filament = getFilament(view, filamentId);
  if (filament === undefined) return { kind: 'refused', code: 'unknown_filament', filamentId };
  const { remainingMilligrams, reservedMilligrams } = filament;
  const available = availableMilligrams(filament);
  if (weightMilligrams > available) {
    return {
      kind: 'refused',
      code: 'insufficient_filament',
      filamentId,
      remainingMilligrams,
      reservedMilligrams,
      availableMilligrams: available,
      askedMilligrams: weightMilligrams,
    };
  }
  const printJob: PrintJob = { ...added, status: 'Queued', createdAtMs: atMs, updatedAtMs: atMs };
  putFilament(view, { ...filament, reservedMilligrams: reservedMilligrams + weightMilligrams });
  putPrintJob(view, printJob);
  return { kind: 'created', resource: { kind: 'print_job', row: printJob } };
}

export function changePrintJobStatus(
  view: StateView,
  { id, status: to }: ChangePrintJobStatus,
  atMs: number,
): FarmOutcome {
  const printJob = getPrintJob(view, id);
  if (printJob === undefined) return { kind: 'refused', code: 'not_found', resource: 'print_job', id };
  const from = printJob.status;
  const allowed = NEXT_STATUSES[from];
  if (!allowed.includes(to)) return { kind: 'refused', code: 'invalid_transition', id, from, to, allowed };
  const changed: PrintJob = { ...printJob, status: to, updatedAtMs: Math.max(atMs, printJob.updatedAtMs) };
  settleFilament(view, printJob, to);
  putPrintJob(view, changed, printJob);
  return { kind: 'changed', resource: { kind: 'print_job', row: changed } };
}

/** A final status releases the job's reservation. Done also takes the weight off the spool. */
function settleFilament(view: StateView, printJob: PrintJob, to: PrintJobStatus): void {
  if (to === 'Queued' || to === 'Running') return;
  const { filamentId, weightMilligrams } = printJob;
  const filament = present(
    getFilament(view, filamentId),
    `the filament ${filamentId} of a print job is missing`,
  );
  const taken = to === 'Done' ? weightMilligrams : 0;
  assert(filament.reservedMilligrams >= weightMilligrams, `print job ${printJob.id} has no reservation`);
  putFilament(view, {
    ...filament,
    remainingMilligrams: filament.remainingMilligrams - taken,
    reservedMilligrams: filament.reservedMilligrams - weightMilligrams,
  });
}
