// Refusals of the farm and of the engine, as problems that say what to do.

import type { ProblemCode } from '../api/problems.ts';
import type { ProposalOutcome } from '../engines/engine.ts';
import { gramsFromMilligrams } from '../farm/model/milligrams.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { FarmRefusal } from '../farm/outcome.ts';
import { unreachable } from '../shared/assert.ts';
import type { CodedError } from '../shared/coded-error.ts';
import { problem } from './error-handler.ts';

export function notFound(kind: ResourceKind, id: string): CodedError {
  return problem('not_found', `There is no ${named(kind, id)}.`, { id });
}

export function farmRefusal(refusal: FarmRefusal): CodedError {
  switch (refusal.code) {
    case 'already_exists': {
      const { id, resource } = refusal;
      const detail = `A ${named(resource, id)} is already there: choose another id, or leave it out.`;
      return problem('already_exists', detail, { id });
    }
    case 'not_found':
      return notFound(refusal.resource, refusal.id);
    case 'unknown_printer':
      return unknownReference('printer', refusal.printerId);
    case 'unknown_filament':
      return unknownReference('filament', refusal.filamentId);
    case 'insufficient_filament':
      return insufficientFilament(refusal);
    case 'invalid_transition': {
      const { id, from, to, allowed } = refusal;
      const advice = allowed.length === 0 ? 'it is at its end' : `it may become ${allowed.join(' or ')}`;
      const detail = `The print job is ${from} and cannot become ${to}: ${advice}.`;
      return problem('invalid_transition', detail, { id, from, to, allowed });
    }
    case 'idempotency_key_reused':
      return problem(refusal.code, 'This Idempotency-Key came with another request before: use a new one.');
    case 'malformed_command': {
      const detail = 'The cluster’s nodes do not know this command: run one version on all of them.';
      return problem('malformed_command', detail);
    }
    default:
      return unreachable(refusal);
  }
}

function named(kind: ResourceKind, id: string): string {
  return `${kind.replace('_', ' ')} with the id ${JSON.stringify(id)}`;
}

function unknownReference(kind: 'printer' | 'filament', id: string): CodedError {
  const field = `${kind}_id`;
  const errors = [{ field, message: `names no ${kind}` }];
  return problem(`unknown_${kind}`, `There is no ${named(kind, id)}: add it first.`, { [field]: id, errors });
}

function insufficientFilament(refusal: Extract<FarmRefusal, { code: 'insufficient_filament' }>): CodedError {
  const { filamentId } = refusal;
  const remaining = gramsFromMilligrams(refusal.remainingMilligrams);
  const reserved = gramsFromMilligrams(refusal.reservedMilligrams);
  const available = gramsFromMilligrams(refusal.availableMilligrams);
  const asked = gramsFromMilligrams(refusal.askedMilligrams);
  const detail =
    `The job asks for ${asked} g and filament ${JSON.stringify(filamentId)} has ${available} g available ` +
    `(${remaining} g remaining, ${reserved} g reserved by other jobs): use another spool or a smaller job.`;
  const fields = { filament_id: filamentId, remaining, reserved, available, asked };
  return problem('insufficient_filament', detail, fields);
}

type EngineRefusal = Extract<ProposalOutcome, { kind: 'refused' }>['reason'];

const ENGINE_REFUSALS: Readonly<Record<EngineRefusal, readonly [code: ProblemCode, detail: string]>> = {
  'no-leader': [
    'no_leader',
    'No leader with a majority of the nodes can be reached; nothing was changed. Retry soon, or read with ?consistency=stale.',
  ],
  'too-busy': [
    'too_busy',
    'The cluster has as much under way as it can hold; nothing was changed. Retry soon.',
  ],
  'disk-full': [
    'disk_full',
    'The leader’s disk is full; nothing was changed and reads still work. Make room, then retry.',
  ],
  'too-large': ['body_too_large', 'The command is too large for the log: send less.'],
  stopped: [
    'stopping',
    'This node is stopping or has left the cluster; nothing was changed. Ask another node.',
  ],
};

/** For proposals and reads that the engine certainly did not carry out. */
export function engineRefusal(reason: EngineRefusal): CodedError {
  return problem(...ENGINE_REFUSALS[reason]);
}
