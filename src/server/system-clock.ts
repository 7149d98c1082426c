// The Clock port over the timers of the process.

import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../engines/raft/node/ports/clock.ts';
import { TurnEnds } from './turn-ends.ts';

export class SystemClock implements Clock {
  readonly turnEnds = new TurnEnds();

  now(): number {
    return performance.now();
  }

  wallClock(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }

  /** Runs after all sockets with data were read, so that one round carries everything. */
  soon(callback: () => void): void {
    this.turnEnds.run(callback);
  }
}
