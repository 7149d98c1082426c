// A write: one command through the engine, and its outcome as this node applied it.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProposalOutcome } from '../engines/engine.ts';
import { type Action, type Command, encodeCommand } from '../farm/commands/command.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { FarmOutcome } from '../farm/outcome.ts';
import { unreachable } from '../shared/assert.ts';
import type { ApiContext } from './api-context.ts';
import { fingerprintOf, readIdempotencyKey } from './idempotency-key.ts';
import { engineRefusal, farmRefusal, outcomeUnknown } from './refusals.ts';
import type { Presented, ResourceType, Rows } from './resources.ts';

export interface Creation {
  /** Undefined when this node is to mint one. */
  readonly id: string | undefined;
  readonly actionFor: (id: string) => Action;
}

/** Adds a resource, sets `Location` and returns the resource as callers see it. */
export async function submitCreation<Kind extends ResourceKind>(
  context: ApiContext,
  { path, present }: ResourceType<Kind>,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { id, actionFor }: Creation,
): Promise<Presented[Kind]> {
  // A retry without an id must equal its first try, although each mints another id. No caller can send the id
  // ''.
  const asked = actionFor(id ?? '');
  const action = id === undefined ? actionFor(context.mintId()) : asked;
  const row = rowOf<Kind>(await propose(context, request, { action, asked }));
  reply.header('location', `${path}/${encodeURIComponent(row.id)}`);
  return present(row);
}

/** Changes a resource and returns it as callers see it. */
export async function submitChange<Kind extends ResourceKind>(
  context: ApiContext,
  { present }: ResourceType<Kind>,
  request: FastifyRequest,
  action: Action,
): Promise<Presented[Kind]> {
  return present(rowOf<Kind>(await propose(context, request, { action, asked: action })));
}

interface Submission {
  readonly action: Action;
  /** The action without anything that this node made up. */
  readonly asked: Action;
}

function propose(
  { engine, wallClock }: ApiContext,
  request: FastifyRequest,
  { action, asked }: Submission,
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
function rowOf<Kind extends ResourceKind>(outcome: ProposalOutcome): Rows[Kind] {
  switch (outcome.kind) {
    case 'applied': {
      // The engine runs the farm's state machine, so its result is the farm's outcome.
      const result = outcome.result as FarmOutcome;
      if (result.kind === 'refused') throw farmRefusal(result);
      return result.resource.row as Rows[Kind];
    }
    case 'refused':
      throw engineRefusal(outcome.reason);
    case 'unknown':
      throw outcomeUnknown();
    default:
      return unreachable(outcome);
  }
}
