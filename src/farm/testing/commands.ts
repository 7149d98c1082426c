// Commands for tests, and a short way to apply them.

import { present } from '../../shared/assert.ts';
import type { StateView } from '../../state/state-view.ts';
import { applyCommand } from '../apply.ts';
import { type Action, encodeCommand } from '../commands/command.ts';
import type { IdempotencyClaim } from '../commands/idempotency.ts';
import { getFilament } from '../model/filament.ts';
import type { PrintJobStatus } from '../model/print-job-status.ts';
import type { FarmOutcome } from '../outcome.ts';

export const SOME_TIME_MS = 1_700_000_000_000;

export function apply(
  view: StateView,
  action: Action,
  { atMs = SOME_TIME_MS, idempotency }: { atMs?: number; idempotency?: IdempotencyClaim } = {},
): FarmOutcome {
  return applyCommand(view, encodeCommand({ atMs, action, ...(idempotency && { idempotency }) }));
}

export function printerNamed(id: string): Action {
  return { kind: 'add_printer', printer: { id, company: 'Prusa', model: 'MK4' } };
}

export function filamentOf(
  id: string,
  totalMilligrams: number,
  remainingMilligrams: number = totalMilligrams,
): Action {
  const filament = { id, material: 'PLA', color: 'Red', totalMilligrams, remainingMilligrams };
  return { kind: 'add_filament', filament };
}

/** A job for printer `p` and filament `f`, unless `where` says otherwise. */
export function printJobOf(
  id: string,
  weightMilligrams: number,
  where: { readonly printerId?: string; readonly filamentId?: string } = {},
): Action {
  const printJob = {
    id,
    printerId: 'p',
    filamentId: 'f',
    filePath: '/models/benchy.gcode',
    weightMilligrams,
    ...where,
  };
  return { kind: 'add_print_job', printJob };
}

export function statusOf(id: string, status: PrintJobStatus): Action {
  return { kind: 'change_print_job_status', id, status };
}

/** Returns the weights of filament `f`. */
export function weightsOf(view: StateView): { remaining: number; reserved: number } {
  const filament = present(getFilament(view, 'f'), 'there is no filament f');
  return { remaining: filament.remainingMilligrams, reserved: filament.reservedMilligrams };
}
