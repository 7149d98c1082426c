// The moments of a recorded process at which the power may fail.

import type { TracedCall } from './system-call-trace.ts';
import { VolatileDisk } from './volatile-disk.ts';

/** Shares of the unflushed data that survive, used in turn. */
const KEPT = [0, 0.5, 1];

export interface Moment {
  readonly disk: VolatileDisk;
  /** Number of steps that the process knew to be durable. */
  readonly acknowledged: number;
  /** Share of the unflushed data that survives, 0 to 1. */
  readonly kept: number;
}

/**
 * Yields the moments after each system call on `stage`, and before the process reports a step: it prints the
 * number of each durable step as a line.
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

/** Returns the step that this call reports. It must be durable when the call begins. */
function acknowledgedBy({ phase, name, descriptor, bytes }: TracedCall): number | undefined {
  const isLine =
    phase === 'begin' && name === 'write' && descriptor === 1 && /^\d+\n$/.test(bytes.toString());
  return isLine ? Number(bytes.toString()) : undefined;
}
