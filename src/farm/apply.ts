// The farm's state machine: every rule that depends on the state is decided here, in the agreed order, once, and alike
// on every node. No clock, no randomness: times and ids come in the command.

import { assert, present, unreachable } from '../shared/assert.ts';
import type { StateView } from '../state/state-view.ts';
import { type Action, decodeCommand, type NewFilament, type NewPrintJob } from './commands/command.ts';
import { pruneRecords, recallOutcome, rememberOutcome } from './commands/idempotency.ts';
import {
  availableMilligrams,
  type Filament,
  type Printer,
  type PrintJob,
  type ResourceKind,
} from './model/model.ts';
import { nextStatuses, type PrintJobStatus } from './model/print-job-status.ts';
import { getFilament, getPrinter, getPrintJob, putFilament, putPrinter, putPrintJob } from './model/rows.ts';
import type { FarmOutcome } from './outcome.ts';

/**
 * Applies one committed command to the state.
 *
 * A refused command changes nothing, apart from the record of its answer when it came with an idempotency key.
 * Never throws for bad bytes: they are refused as `malformed_command`.
 */
export function applyCommand(view: StateView, bytes: Uint8Array): FarmOutcome {
  const command = decodeCommand(bytes);
  if (command === undefined) return { kind: 'refused', code: 'malformed_command' };
  const { action, atMs, idempotency: claim } = command;
  pruneRecords(view, atMs);
  const recalled = claim && recallOutcome(view, claim);
  if (recalled !== undefined) return recalled;
  const outcome = applyAction(view, action, atMs);
  if (claim !== undefined) rememberOutcome(view, { claim, outcome, atMs });
  return outcome;
}

function applyAction(view: StateView, action: Action, atMs: number): FarmOutcome {
  switch (action.kind) {
    case 'add_printer':
      return addPrinter(view, action.printer);
    case 'add_filament':
      return addFilament(view, action.filament);
    case 'add_print_job':
      return addPrintJob(view, action.printJob, atMs);
    case 'change_print_job_status':
      return changePrintJobStatus(view, { id: action.id, to: action.status, atMs });
    default:
      return unreachable(action);
  }
}

function addPrinter(view: StateView, printer: Printer): FarmOutcome {
  if (getPrinter(view, printer.id) !== undefined) return alreadyExists('printer', printer.id);
  putPrinter(view, printer);
  return { kind: 'created', resource: { kind: 'printer', row: printer } };
}

function addFilament(view: StateView, added: NewFilament): FarmOutcome {
  if (getFilament(view, added.id) !== undefined) return alreadyExists('filament', added.id);
  const filament: Filament = { ...added, reservedMilligrams: 0 };
  putFilament(view, filament);
  return { kind: 'created', resource: { kind: 'filament', row: filament } };
}

function addPrintJob(view: StateView, added: NewPrintJob, atMs: number): FarmOutcome {
  const { id, printerId, filamentId, weightMilligrams } = added;
  if (getPrintJob(view, id) !== undefined) return alreadyExists('print_job', id);
  if (getPrinter(view, printerId) === undefined)
    return { kind: 'refused', code: 'unknown_printer', printerId };
  const filament = getFilament(view, filamentId);
  if (filament === undefined) return { kind: 'refused', code: 'unknown_filament', filamentId };
  const available = availableMilligrams(filament);
  if (weightMilligrams > available) {
    const { remainingMilligrams, reservedMilligrams } = filament;
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
  putFilament(view, {
    ...filament,
    reservedMilligrams: filament.reservedMilligrams + weightMilligrams,
  });
  putPrintJob(view, printJob);
  return { kind: 'created', resource: { kind: 'print_job', row: printJob } };
}

function changePrintJobStatus(
  view: StateView,
  { id, to, atMs }: { id: string; to: PrintJobStatus; atMs: number },
): FarmOutcome {
  const printJob = getPrintJob(view, id);
  if (printJob === undefined) return { kind: 'refused', code: 'not_found', resource: 'print_job', id };
  const from = printJob.status;
  const allowed = nextStatuses(from);
  if (!allowed.includes(to)) return { kind: 'refused', code: 'invalid_transition', id, from, to, allowed };
  const changed: PrintJob = { ...printJob, status: to, updatedAtMs: Math.max(atMs, printJob.updatedAtMs) };
  settleFilament(view, printJob, to);
  putPrintJob(view, changed, printJob);
  return { kind: 'changed', resource: { kind: 'print_job', row: changed } };
}

/** What a status does to the spool: the last statuses release the reservation, and Done takes the weight. */
function settleFilament(view: StateView, printJob: PrintJob, to: PrintJobStatus): void {
  if (to === 'Queued' || to === 'Running') return;
  const { filamentId, weightMilligrams } = printJob;
  const filament = present(getFilament(view, filamentId), `filament ${filamentId} of a print job is gone`);
  const taken = to === 'Done' ? weightMilligrams : 0;
  assert(filament.reservedMilligrams >= weightMilligrams, `print job ${printJob.id} had nothing reserved`);
  putFilament(view, {
    ...filament,
    remainingMilligrams: filament.remainingMilligrams - taken,
    reservedMilligrams: filament.reservedMilligrams - weightMilligrams,
  });
}

function alreadyExists(resource: ResourceKind, id: string): FarmOutcome {
  return { kind: 'refused', code: 'already_exists', resource, id };
}
