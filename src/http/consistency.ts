// How fresh a read must be: linearizable, unless the caller asks for the state that this node has.

import type { FastifyReply } from 'fastify';
import { accepted, type Checked, rejected } from '../farm/model/checked.ts';
import type { ApiContext } from './api-context.ts';
import { engineRefusal } from './refusals.ts';

export type Consistency = 'linearizable' | 'stale';

export function checkConsistency(value: unknown): Checked<Consistency> {
  if (value === undefined) return accepted('linearizable');
  if (value === 'stale') return accepted('stale');
  return rejected('must be stale, or be left out for a linearizable read');
}

/**
 * Resolves once the caller may read this node's state. A stale read sets two headers that say how old the
 * state may be: `Raft3D-Staleness-Ms` (`unknown` if this node never knew its state to be current) and
 * `Raft3D-Applied-Index`.
 */
export function readable(
  { engine, soon }: ApiContext,
  reply: FastifyReply,
  consistency: Consistency,
): Promise<void> {
  if (consistency === 'stale') {
    return new Promise<void>(soon).then(() => {
      reply.header('raft3d-staleness-ms', String(engine.stalenessMs() ?? 'unknown'));
      reply.header('raft3d-applied-index', String(engine.position()));
    });
  }
  return new Promise((resolve, reject) => {
    engine.readBarrier((outcome) => {
      if (outcome.kind === 'refused') reject(engineRefusal(outcome.reason));
      else resolve();
    });
  });
}
