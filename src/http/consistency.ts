// How fresh a read must be: linearizable unless the caller asks for what this node has at once.

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
 * Calls `answer` once this node's state may be read; what it throws is answered too. A stale read is answered at once,
 * and says how old the state may be: `Raft3D-Staleness-Ms` (`unknown` when this node never knew its state to be
 * current) and `Raft3D-Applied-Index`.
 */
export function answerRead(
  { engine, soon }: ApiContext,
  reply: FastifyReply,
  { consistency, answer }: { consistency: Consistency; answer: () => void },
): void {
  if (consistency === 'stale') {
    soon(() => {
      answerGuarded(reply, () => {
        reply.header('raft3d-staleness-ms', String(engine.stalenessMs() ?? 'unknown'));
        reply.header('raft3d-applied-index', String(engine.position()));
        answer();
      });
    });
    return;
  }
  engine.readBarrier((outcome) => {
    answerGuarded(reply, () => {
      if (outcome.kind === 'refused') throw engineRefusal(outcome.reason);
      answer();
    });
  });
}

/** For callbacks, which no handler's caller stands behind: what `answer` throws is what is answered. */
export function answerGuarded(reply: FastifyReply, answer: () => void): void {
  try {
    answer();
  } catch (error) {
    reply.send(error);
  }
}
