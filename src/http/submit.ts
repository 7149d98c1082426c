// A write: one command through the engine, and its outcome from this node's own apply.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProposalOutcome } from '../engines/engine.ts';
import { type Action, type Command, encodeCommand } from '../farm/commands/command.ts';
import type { Resource } from '../farm/model/resource.ts';
import type { FarmOutcome } from '../farm/outcome.ts';
import { unreachable } from '../shared/assert.ts';
import type { ApiContext } from './api-context.ts';
import { answerGuarded } from './consistency.ts';
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
export function submitCreation(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, actionFor }: Creation,
): void {
  // A retry without an id must look like its first try, which was given another one: '' is no id that anyone can send.
  const asked = actionFor(id ?? '');
  const action = id === undefined ? actionFor(context.mintId()) : asked;
  submit(context, request, reply, {
    action,
    asked,
    answer: (resource) => {
      const location = `${COLLECTION_PATHS[resource.kind]}/${encodeURIComponent(resource.row.id)}`;
      reply.code(201).header('location', location).send(presentResource(resource));
    },
  });
}

/** Changes a resource and answers 200 with it. */
export function submitChange(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  action: Action,
): void {
  submit(context, request, reply, {
    action,
    asked: action,
    answer: (resource) => reply.send(presentResource(resource)),
  });
}

interface Submission {
  readonly action: Action;
  /** The same, without anything that this node made up. */
  readonly asked: Action;
  readonly answer: (resource: Resource) => void;
}

function submit(
  { engine, wallClock }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { action, asked, answer }: Submission,
): void {
  const key = readIdempotencyKey(request);
  const command: Command = {
    atMs: Math.trunc(wallClock()),
    action,
    ...(key !== undefined && { idempotency: { key, fingerprint: fingerprintOf(asked) } }),
  };
  engine.propose(encodeCommand(command), (outcome) => {
    answerGuarded(reply, () => answer(resourceOf(outcome)));
  });
}

/** Throws refusals, of the engine and of the farm, as problems. */
function resourceOf(outcome: ProposalOutcome): Resource {
  switch (outcome.kind) {
    case 'applied': {
      // The engine runs the farm's state machine, so what it applied has the farm's outcome.
      const result = outcome.result as FarmOutcome;
      if (result.kind === 'refused') throw farmRefusal(result);
      return result.resource;
    }
    case 'refused':
      throw engineRefusal(outcome.reason);
    case 'unknown':
      throw outcomeUnknown();
    default:
      return unreachable(outcome);
  }
}
