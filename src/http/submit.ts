// A write: one command through the engine, and its outcome from this node's own apply.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Action, type Command, encodeCommand } from '../farm/command.ts';
import type { Resource } from '../farm/model.ts';
import type { FarmOutcome } from '../farm/outcome.ts';
import type { Engine, ProposalOutcome } from '../node/ports.ts';
import { unreachable } from '../shared/assert.ts';
import type { ApiContext } from './api-context.ts';
import { fingerprintOf, readIdempotencyKey } from './idempotency-key.ts';
import { presentResource } from './presentation.ts';
import { engineRefusal, farmRefusal, outcomeUnknown } from './refusals.ts';

/** Where a resource is read. */
const COLLECTION_PATHS: Readonly<Record<Resource['kind'], string>> = {
  printer: '/api/v1/printers',
  filament: '/api/v1/filaments',
  print_job: '/api/v1/print_jobs',
};

export interface Creation {
  /** Undefined when this node is to mint one. */
  readonly id: string | undefined;
  readonly actionFor: (id: string) => Action;
}

/** Adds a resource and answers 201 with it and its `Location`. */
export async function submitCreation(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, actionFor }: Creation,
): Promise<object> {
  // A retry without an id must look like its first try, which was given another one: '' is no id that anyone can send.
  const asked = actionFor(id ?? '');
  const action = id === undefined ? actionFor(context.mintId()) : asked;
  const resource = await submit(context, request, { action, asked });
  const location = `${COLLECTION_PATHS[resource.kind]}/${encodeURIComponent(resource.row.id)}`;
  reply.code(201).header('location', location);
  return presentResource(resource);
}

/** Changes a resource and answers 200 with it. */
export async function submitChange(
  context: ApiContext,
  request: FastifyRequest,
  action: Action,
): Promise<object> {
  return presentResource(await submit(context, request, { action, asked: action }));
}

async function submit(
  { engine, wallClock }: ApiContext,
  request: FastifyRequest,
  { action, asked }: { action: Action; asked: Action },
): Promise<Resource> {
  const key = readIdempotencyKey(request);
  const command: Command = {
    atMs: Math.trunc(wallClock()),
    action,
    ...(key !== undefined && { idempotency: { key, fingerprint: fingerprintOf(asked) } }),
  };
  const outcome = await propose(engine, encodeCommand(command));
  if (outcome.kind === 'refused') throw farmRefusal(outcome);
  return outcome.resource;
}

/** Throws the engine's refusals as problems. */
async function propose(engine: Engine, command: Uint8Array): Promise<FarmOutcome> {
  const outcome = await new Promise<ProposalOutcome>((resolve) => engine.propose(command, resolve));
  switch (outcome.kind) {
    case 'applied':
      // The engine runs the farm's state machine, so what it applied has the farm's outcome.
      return outcome.result as FarmOutcome;
    case 'refused':
      throw engineRefusal(outcome.reason);
    case 'unknown':
      throw outcomeUnknown();
    default:
      return unreachable(outcome);
  }
}
