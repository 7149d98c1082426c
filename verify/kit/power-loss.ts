// A process that is recorded, system call by system call, and the moments at which the power may fail under it.

import type { TracedCall } from './system-call-trace.ts';
import { VolatileDisk } from './volatile-disk.ts';

/** How much of what was not flushed is there, one after the other. */
const KEPT = [0, 0.5, 1];

export interface Moment {
  readonly disk: VolatileDisk;
  /** Of its numbered steps, those of which the process had been told that they are durable. */
  readonly acknowledged: number;
  /** How much of what was not flushed is to be there, 0 to 1. */
  readonly kept: number;
}

/**
 * After each call that has to do with `stage`, and before the process says that a step is done: a line with its number
 * on its standard output.
 */
export function* momentsOf(stage: string, recorded: readonly TracedCall[]): Generator<Moment> {
  const disk = new VolatileDisk(stage);
  let acknowledged = 0;
  for (const [at, call] of recorded.entries()) {
    const step = acknowledgedBy(call);
    if (step !== undefined) {
      acknowledged = step + 1;
      yield { disk, acknowledged, kept: 0 };
    }
    const isOfStore = disk.take(call);
    if (isOfStore && call.phase === 'end') yield { disk, acknowledged, kept: KEPT[at % KEPT.length] ?? 0 };
  }
}

/** From the begin of that call on it must be durable. */
function acknowledgedBy({ phase, name, descriptor, bytes }: TracedCall): number | undefined {
  const isLine =
    phase === 'begin' && name === 'write' && descriptor === 1 && /^\d+\n$/.test(bytes.toString());
  return isLine ? Number(bytes.toString()) : undefined;
}
