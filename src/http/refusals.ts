// Refusals of the farm and of the engine, as problems that say what to do.

import type { ProposalOutcome } from '../engines/engine.ts';
import { gramsFromMilligrams } from '../farm/model/milligrams.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { FarmRefusal } from '../farm/outcome.ts';
import { unreachable } from '../shared/assert.ts';
import type { CodedError } from '../shared/coded-error.ts';
import { problem } from './error-handler.ts';
import { RESOURCES } from './resources.ts';

export function notFound(kind: ResourceKind, id: string): CodedError {
  return problem('not_found', `There is no ${RESOURCES[kind].name} with the id ${JSON.stringify(id)}.`, {
    fields: { id },
  });
}

export function farmRefusal(refusal: FarmRefusal): CodedError {
  switch (refusal.code) {
    case 'already_exists': {
      const { id, resource } = refusal;
      const detail = `A ${RESOURCES[resource].name} with the id ${JSON.stringify(id)} is already there: choose another id, or leave it out.`;
      return problem('already_exists', detail, { fields: { id } });
    }
    case 'not_found':
      return notFound(refusal.resource, refusal.id);
    case 'unknown_printer': {
      const { printerId } = refusal;
      const detail = `There is no printer with the id ${JSON.stringify(printerId)}: add it first.`;
      return problem('unknown_printer', detail, {
        fields: { printer_id: printerId, errors: [{ field: 'printer_id', message: 'names no printer' }] },
      });
    }
    case 'unknown_filament': {
      const { filamentId } = refusal;
      const detail = `There is no filament with the id ${JSON.stringify(filamentId)}: add it first.`;
      return problem('unknown_filament', detail, {
        fields: { filament_id: filamentId, errors: [{ field: 'filament_id', message: 'names no filament' }] },
      });
    }
    case 'insufficient_filament':
      return insufficientFilament(refusal);
    case 'invalid_transition': {
      const { id, from, to, allowed } = refusal;
      const advice = allowed.length === 0 ? 'it is at its end' : `it may become ${allowed.join(' or ')}`;
      const detail = `The print job is ${from} and cannot become ${to}: ${advice}.`;
      return problem('invalid_transition', detail, { fields: { id, from, to, allowed } });
    }
    case 'idempotency_key_reused':
      return problem(
        'idempotency_key_reused',
        'This Idempotency-Key came with another request before: use a new one.',
      );
    case 'malformed_command':
      return problem(
        'malformed_command',
        'The cluster’s nodes do not know this command: run one version on all of them.',
      );
    default:
      return unreachable(refusal);
  }
}

function insufficientFilament(refusal: Extract<FarmRefusal, { code: 'insufficient_filament' }>): CodedError {
  const { filamentId, remainingMilligrams, reservedMilligrams, availableMilligrams, askedMilligrams } =
    refusal;
  const [remaining, reserved, available, asked] = [
    remainingMilligrams,
    reservedMilligrams,
    availableMilligrams,
    askedMilligrams,
  ].map(gramsFromMilligrams);
  const detail =
    `The job asks for ${asked} g and filament ${JSON.stringify(filamentId)} has ${available} g available ` +
    `(${remaining} g remaining, ${reserved} g reserved by other jobs): use another spool or a smaller job.`;
  return problem('insufficient_filament', detail, {
    fields: { filament_id: filamentId, remaining, reserved, available, asked },
  });
}

/** For a command that was sent to the cluster and not confirmed in time. */
export function outcomeUnknown(): CodedError {
  return problem(
    'outcome_unknown',
    'The change was sent to the cluster and not confirmed in time: it may have happened, or may yet happen. ' +
      'Retry with the same Idempotency-Key to have it happen once and learn the outcome, or read before you retry without one.',
  );
}

/** For a change of members that was not confirmed in time. */
export function memberChangeUnknown(): CodedError {
  return problem(
    'outcome_unknown',
    'The change of members was not confirmed in time: it may have happened, or may yet happen. ' +
      'Look at /cluster/status; sending it again does no harm.',
  );
}

export function noLeader(): CodedError {
  return problem(
    'no_leader',
    'No leader with a majority of the nodes can be reached; nothing was changed. Retry soon, or read with ?consistency=stale.',
  );
}

type EngineRefusal = Extract<ProposalOutcome, { kind: 'refused' }>['reason'];

/** For proposals and reads that the engine certainly did not carry out. */
export function engineRefusal(reason: EngineRefusal): CodedError {
  switch (reason) {
    case 'no-leader':
      return noLeader();
    case 'too-busy':
      return problem(
        'too_busy',
        'The cluster has as much under way as it can hold; nothing was changed. Retry soon.',
      );
    case 'disk-full':
      return problem(
        'disk_full',
        'The leader’s disk is full; nothing was changed and reads still work. Make room, then retry.',
      );
    case 'too-large':
      return problem('body_too_large', 'The command is too large for the log: send less.');
    case 'stopped':
      return problem(
        'stopping',
        'This node is stopping or has left the cluster; nothing was changed. Ask another node.',
      );
    default:
      return unreachable(reason);
  }
}
