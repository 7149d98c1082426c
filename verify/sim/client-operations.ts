// Operations of the simulated clients: as commands of the farm and as operations of the second model.

import { type Action, type Command, decodeCommand, encodeCommand } from '../../src/farm/commands/command.ts';
import { getFilament } from '../../src/farm/model/filament.ts';
import { isPrintJobStatus, PRINT_JOB_STATUSES } from '../../src/farm/model/print-job-status.ts';
import { getPrinter } from '../../src/farm/model/printer.ts';
import type { FarmOutcome } from '../../src/farm/outcome.ts';
import { listPrintJobs } from '../../src/farm/queries.ts';
import { assert, present } from '../../src/shared/assert.ts';
import type { StateReader } from '../../src/state/state-view.ts';
import type { Draws } from '../kit/draws.ts';
import { describe, type Workcell, type WorkcellOperation, type WriteOperation } from '../kit/farm-model.ts';
import type { Attempt } from './checkers/applied-commands.ts';

/** The time of a command carries the number of its attempt, which identifies it in the log. */
const FIRST_ATTEMPT_AT_MS = 1_700_000_000_000;

/** Heavy enough that some jobs do not fit a spool. */
const MAX_WEIGHT = 400;
const SPOOL_WEIGHT = 1_000;

/** Draws an operation for a workcell with `jobs` known jobs. */
export function drawOperation(
  draws: Draws,
  { jobs, readWeight }: { jobs: number; readWeight: number },
): WorkcellOperation {
  const job = `${draws.below(jobs + 1)}`;
  switch (draws.weighted({ printer: 1, spool: 1, job: 5, status: 8, read: readWeight })) {
    case 'printer':
      return { kind: 'add-printer' };
    case 'spool': {
      const total = SPOOL_WEIGHT + draws.below(SPOOL_WEIGHT);
      return { kind: 'add-spool', total, remaining: draws.chance(0.5) ? total : draws.integer(1, total) };
    }
    case 'job':
      return { kind: 'add-job', job, weight: draws.integer(1, MAX_WEIGHT) };
    case 'status':
      return { kind: 'set-status', job, status: draws.pick(PRINT_JOB_STATUSES) };
    case 'read':
      return { kind: 'read' };
  }
}

export function encodeAttempt(
  workcell: string,
  operation: WriteOperation,
  { attempt, idempotencyKey }: { attempt: Attempt; idempotencyKey: string | undefined },
): Uint8Array {
  const command: Command = { atMs: FIRST_ATTEMPT_AT_MS + attempt, action: actionOf(workcell, operation) };
  if (idempotencyKey === undefined) return encodeCommand(command);
  const fingerprint = `workcell-${workcell}-${operation.kind}`;
  return encodeCommand({ ...command, idempotency: { key: idempotencyKey, fingerprint } });
}

/** Returns the attempt of a command from `encodeAttempt`. */
export function attemptOf(command: Uint8Array): Attempt {
  const { atMs } = present(decodeCommand(command), 'every command is an attempt of a client');
  return atMs - FIRST_ATTEMPT_AT_MS;
}

function actionOf(workcell: string, operation: WriteOperation): Action {
  switch (operation.kind) {
    case 'add-printer':
      return { kind: 'add_printer', printer: { id: workcell, company: 'Prusa', model: 'MK4' } };
    case 'add-spool': {
      const { total, remaining } = operation;
      const weights = { totalMilligrams: total, remainingMilligrams: remaining };
      return { kind: 'add_filament', filament: { id: workcell, material: 'PLA', color: 'Red', ...weights } };
    }
    case 'add-job': {
      const place = { printerId: workcell, filamentId: workcell, filePath: '/models/benchy.gcode' };
      const printJob = { id: jobId(workcell, operation.job), ...place, weightMilligrams: operation.weight };
      return { kind: 'add_print_job', printJob };
    }
    case 'set-status': {
      const { status } = operation;
      assert(isPrintJobStatus(status), 'clients draw known statuses');
      return { kind: 'change_print_job_status', id: jobId(workcell, operation.job), status };
    }
  }
}

function jobId(workcell: string, job: string): string {
  return `${workcell}.${job}`;
}

/** The result of a write in the words of the model. */
export function describeOutcome(outcome: FarmOutcome): string {
  if (outcome.kind !== 'refused') {
    const { resource } = outcome;
    if (resource.kind === 'print_job') {
      const { status, weightMilligrams } = resource.row;
      return outcome.kind === 'created' ? `created ${status} ${weightMilligrams}` : `changed ${status}`;
    }
    if (resource.kind === 'printer') return 'created';
    const { totalMilligrams, remainingMilligrams, reservedMilligrams } = resource.row;
    return `created ${totalMilligrams}/${remainingMilligrams}/${reservedMilligrams}`;
  }
  if (outcome.code === 'insufficient_filament') return `${outcome.code} ${outcome.availableMilligrams}`;
  return outcome.code === 'invalid_transition' ? `${outcome.code} from ${outcome.from}` : outcome.code;
}

/** The result of reading a whole workcell in the words of the model. */
export function readWorkcell(state: StateReader, workcell: string): string {
  const filament = getFilament(state, workcell);
  const jobs: [string, { status: string; weight: number }][] = [];
  for (const { id, filamentId, status, weightMilligrams } of listPrintJobs(state, {
    after: `${workcell}.`,
  })) {
    if (filamentId !== workcell) break;
    jobs.push([id.slice(workcell.length + 1), { status, weight: weightMilligrams }]);
  }
  const seen: Workcell = {
    hasPrinter: getPrinter(state, workcell) !== undefined,
    spool: filament && { total: filament.totalMilligrams, remaining: filament.remainingMilligrams },
    jobs,
  };
  const description = describe(seen, 'read');
  const reserved = `/${filament?.reservedMilligrams},`;
  // The reserved weight in the row must match the jobs; otherwise the read saw no state of the farm.
  return filament === undefined || description.includes(reserved)
    ? description
    : `${description} but ${reserved}`;
}
