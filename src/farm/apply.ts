// The farm's state machine: every rule that depends on the state is decided here, in log order, once, and
// identically on every node. No clock, no randomness: times and ids come in the command.

import { unreachable } from '../shared/assert.ts';
import type { StateView } from '../state/state-view.ts';
import { type Action, decodeCommand } from './commands/command.ts';
import { addFilament } from './commands/filament.ts';
import { pruneRecords, recallOutcome, rememberOutcome } from './commands/idempotency.ts';
import { addPrintJob, changePrintJobStatus } from './commands/print-job.ts';
import { addPrinter } from './commands/printer.ts';
import type { FarmOutcome } from './outcome.ts';

/**
 * Applies one committed command to the state.
 *
 * A refused command changes nothing, apart from the record of its answer if it has an idempotency key.
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
      return addPrinter(view, action);
    case 'add_filament':
      return addFilament(view, action);
    case 'add_print_job':
      return addPrintJob(view, action, atMs);
    case 'change_print_job_status':
      return changePrintJobStatus(view, action, atMs);
    default:
      return unreachable(action);
  }
}
