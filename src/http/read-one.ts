// One resource by its id.

import type { FastifyReply } from 'fastify';
import { checkId } from '../farm/model/identifier.ts';
import type { ResourceKind } from '../farm/model/resource.ts';
import type { StateReader } from '../state/state-view.ts';
import type { ApiContext } from './api-context.ts';
import { checkFields } from './check-fields.ts';
import { answerRead, checkConsistency } from './consistency.ts';
import { notFound } from './refusals.ts';

export interface OneQuery<Row> {
  readonly kind: ResourceKind;
  readonly id: string;
  readonly consistency: string | undefined;
  readonly get: (reader: StateReader, id: string) => Row | undefined;
  readonly present: (row: Row) => object;
}

/** Answers with the row, read as the caller asked, or with `not_found`. */
export function sendOne<Row>(
  context: ApiContext,
  reply: FastifyReply,
  { kind, id, consistency: asked, get, present }: OneQuery<Row>,
): void {
  const { consistency } = checkFields({ consistency: checkConsistency(asked) });
  // What is no id names nothing, now or later; and it may be too long for a key of the store.
  if (!checkId(id).ok) throw notFound(kind, id);
  answerRead(context, reply, {
    consistency,
    answer: () => {
      const row = get(context.engine.state(), id);
      if (row === undefined) throw notFound(kind, id);
      reply.send(present(row));
    },
  });
}
