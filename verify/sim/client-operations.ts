// What clients ask of the farm, in the farm's words and in the checker's.

import { type Action, type Command, decodeCommand, encodeCommand } from '../../src/farm/commands/command.ts';
import { getFilament } from '../../src/farm/model/filament.ts';
import { isPrintJobStatus, PRINT_JOB_STATUSES } from '../../src/farm/model/print-job-status.ts';
import { getPrinter } from '../../src/farm/model/printer.ts';
import type { FarmOutcome } from '../../src/farm/outcome.ts';
import { listPrintJobs } from '../../src/farm/queries.ts';
import { assert, present } from '../../src/shared/assert.ts';
import type { StateReader } from '../../src/state/state-view.ts';
import type { Attempt } from './checkers/applied-commands.ts';
import { type Bench, type BenchOperation, describeBench } from './checkers/farm-model.ts';
import type { Draws } from './draws.ts';

export type WriteOperation = Exclude<BenchOperation, { kind: 'read' }>;

/** Attempts are numbered by the time that their commands carry, so that they can be told apart in the log. */
const FIRST_ATTEMPT_AT_MS = 1_700_000_000_000;

/** One more job than a spool holds, so that some are refused. */
const MAX_WEIGHT = 400;
const SPOOL_WEIGHT = 1_000;

/** Something to do on a bench that has `jobs` jobs, as far as anybody knows. */
export function drawOperation(
  draws: Draws,
  { jobs, readWeight }: { jobs: number; readWeight: number },
): BenchOperation {
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
  bench: string,
  operation: WriteOperation,
  { attempt, idempotencyKey }: { attempt: Attempt; idempotencyKey: string | undefined },
): Uint8Array {
  const command: Command = { atMs: FIRST_ATTEMPT_AT_MS + attempt, action: actionOf(bench, operation) };
  if (idempotencyKey === undefined) return encodeCommand(command);
  const fingerprint = `bench-${bench}-${operation.kind}`;
  return encodeCommand({ ...command, idempotency: { key: idempotencyKey, fingerprint } });
}

/** The attempt in a command that `encodeAttempt` made. */
export function attemptOf(command: Uint8Array): Attempt {
  const { atMs } = present(decodeCommand(command), 'every command is some attempt of some client');
  return atMs - FIRST_ATTEMPT_AT_MS;
}

function actionOf(bench: string, operation: WriteOperation): Action {
  switch (operation.kind) {
    case 'add-printer':
      return { kind: 'add_printer', printer: { id: bench, company: 'Prusa', model: 'MK4' } };
    case 'add-spool': {
      const { total, remaining } = operation;
      const weights = { totalMilligrams: total, remainingMilligrams: remaining };
      return { kind: 'add_filament', filament: { id: bench, material: 'PLA', color: 'Red', ...weights } };
    }
    case 'add-job': {
      const place = { printerId: bench, filamentId: bench, filePath: '/models/benchy.gcode' };
      const printJob = { id: jobId(bench, operation.job), ...place, weightMilligrams: operation.weight };
      return { kind: 'add_print_job', printJob };
    }
    case 'set-status': {
      const { status } = operation;
      assert(isPrintJobStatus(status), 'clients know the names of the statuses');
      return { kind: 'change_print_job_status', id: jobId(bench, operation.job), status };
    }
  }
}

function jobId(bench: string, job: string): string {
  return `${bench}.${job}`;
}

/** What the caller of a write was told, as the model says it. */
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

/** Everything on a bench, as a reader of `state` sees it. */
export function readBench(state: StateReader, bench: string): string {
  const filament = getFilament(state, bench);
  const jobs: [string, { status: string; weight: number }][] = [];
  for (const { id, filamentId, status, weightMilligrams } of listPrintJobs(state, { after: `${bench}.` })) {
    if (filamentId !== bench) break;
    jobs.push([id.slice(bench.length + 1), { status, weight: weightMilligrams }]);
  }
  const seen: Bench = {
    hasPrinter: getPrinter(state, bench) !== undefined,
    spool: filament && { total: filament.totalMilligrams, remaining: filament.remainingMilligrams },
    jobs,
  };
  const description = describeBench(seen);
  const reserved = `/${filament?.reservedMilligrams},`;
  // What the row says is reserved must be what the jobs say, or the reader saw no state at all.
  return filament === undefined || description.includes(reserved)
    ? description
    : `${description} but ${reserved}`;
}
