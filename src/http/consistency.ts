// How fresh a read must be: linearizable unless the caller asks for what this node has at once.

import type { FastifyReply } from 'fastify';
import { accepted, type Checked, rejected } from '../farm/checked.ts';
import type { ReadOutcome } from '../node/ports.ts';
import type { ApiContext } from './api-context.ts';
import { engineRefusal } from './refusals.ts';

export type Consistency = 'linearizable' | 'stale';

export function checkConsistency(value: unknown): Checked<Consistency> {
  if (value === undefined) return accepted('linearizable');
  if (value === 'stale') return accepted('stale');
  return rejected('must be stale, or be left out for a linearizable read');
}

/**
 * Returns once this node's state may be read. A stale read returns at once, and its answer says how old the state may
 * be: `Raft3D-Staleness-Ms` (`unknown` when this node never knew its state to be current) and `Raft3D-Applied-Index`.
 */
export async function prepareRead(
  { engine }: ApiContext,
  reply: FastifyReply,
  consistency: Consistency,
): Promise<void> {
  if (consistency === 'stale') {
    reply.header('raft3d-staleness-ms', String(engine.stalenessMs() ?? 'unknown'));
    reply.header('raft3d-applied-index', String(engine.status().appliedIndex));
    return;
  }
  const outcome = await new Promise<ReadOutcome>((resolve) => engine.readBarrier(resolve));
  if (outcome.kind === 'refused') throw engineRefusal(outcome.reason);
}
