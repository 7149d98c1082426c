// One resource by its id.

import type { FastifyReply } from 'fastify';
import { checkId } from '../farm/model/identifier.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { OperationRequest } from './add-operation.ts';
import type { ApiContext } from './api-context.ts';
import { checkFields } from './check-fields.ts';
import { checkConsistency, readable } from './consistency.ts';
import { notFound } from './refusals.ts';
import type { Presented, ResourceType } from './resources.ts';

/** Returns the row as callers see it, or throws `not_found`. */
export async function readOne<Kind extends ResourceKind>(
  context: ApiContext,
  { kind, get, present }: ResourceType<Kind>,
  { params, query }: Pick<OperationRequest<'getPrinter'>, 'params' | 'query'>,
  reply: FastifyReply,
): Promise<Presented[Kind]> {
  const { id } = params;
  const { consistency } = checkFields({ consistency: checkConsistency(query.consistency) });
  // No row has a malformed id, and one may be too long for a key of the store.
  if (!checkId(id).ok) throw notFound(kind, id);
  await readable(context, reply, consistency);
  const row = get(context.engine.state(), id);
  if (row === undefined) throw notFound(kind, id);
  return present(row);
}
