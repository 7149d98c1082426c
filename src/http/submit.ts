// A write: one command through the engine, and its outcome as this node applied it. It waits with `then`, for
// the reason that reads.ts gives.

import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProposalOutcome } from '../engines/engine.ts';
import { type Action, type Command, encodeCommand } from '../farm/commands/command.ts';
import { isIdempotencyKey, MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../farm/commands/idempotency.ts';
import type { FarmOutcome } from '../farm/outcome.ts';
import { unreachable } from '../shared/assert.ts';
import type { ApiContext } from './api-context.ts';
import { invalidRequest, problem } from './error-handler.ts';
import { engineRefusal, farmRefusal } from './refusals.ts';
import type { ResourceType } from './resources.ts';

export interface Creation {
  /** Undefined when this node is to mint one. */
  readonly id: string | undefined;
  readonly actionFor: (id: string) => Action;
}

/** Adds a resource, sets `Location` and returns the resource as callers see it. */
export function submitCreation<Row extends { readonly id: string }, Shown>(
  context: ApiContext,
  { path, present }: ResourceType<Row, Shown>,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { id, actionFor }: Creation,
): Promise<Shown> {
  // A retry without an id must equal its first try, although each mints another id. No caller can send the id
  // ''.
  const asked = actionFor(id ?? '');
  const action = id === undefined ? actionFor(context.mintId()) : asked;
  return propose(context, request, { action, asked }).then((outcome) => {
    const row = rowOf<Row>(outcome);
    reply.header('location', `${path}/${encodeURIComponent(row.id)}`);
    return present(row);
  });
}

/** Changes a resource and returns it as callers see it. */
export function submitChange<Row, Shown>(
  context: ApiContext,
  { present }: ResourceType<Row, Shown>,
  request: FastifyRequest,
  action: Action,
): Promise<Shown> {
  return propose(context, request, { action, asked: action }).then((outcome) => present(rowOf<Row>(outcome)));
}

/** `asked` is the action without anything that this node made up, such as a minted id. */
function propose(
  { engine, wallClock }: ApiContext,
  request: FastifyRequest,
  { action, asked }: { readonly action: Action; readonly asked: Action },
): Promise<ProposalOutcome> {
  const key = readIdempotencyKey(request);
  const command: Command = {
    atMs: Math.trunc(wallClock()),
    action,
    ...(key !== undefined && { idempotency: { key, fingerprint: fingerprintOf(asked) } }),
  };
  return new Promise((resolve) => engine.propose(encodeCommand(command), resolve));
}

/** Throws refusals, of the engine and of the farm, as problems. */
function rowOf<Row>(outcome: ProposalOutcome): Row {
  switch (outcome.kind) {
    case 'applied': {
      // The engine runs the farm's state machine, so its result is the farm's outcome.
      const result = outcome.result as FarmOutcome;
      if (result.kind === 'refused') throw farmRefusal(result);
      return result.resource.row as Row;
    }
    case 'refused':
      throw engineRefusal(outcome.reason);
    case 'unknown':
      throw problem(
        'outcome_unknown',
        'The change was sent to the cluster and not confirmed in time: it may have happened, or may yet happen. ' +
          'Retry with the same Idempotency-Key to have it happen once and learn the outcome, or read before you retry without one.',
      );
    default:
      return unreachable(outcome);
  }
}

/** Returns the request's Idempotency-Key, if any. Throws `invalid_request` for a malformed key. */
export function readIdempotencyKey(request: FastifyRequest): string | undefined {
  // Node joins a header that came twice with ', ', which no key contains.
  const key = request.headers['idempotency-key'];
  if (key === undefined || isIdempotencyKey(key)) return key;
  const message = `must be 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters, once`;
  throw invalidRequest({ field: 'Idempotency-Key', message });
}

/** Tells a retry from another request: equal for equal requests on every node. */
function fingerprintOf(asked: Action): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}
