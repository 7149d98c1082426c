// The Clock port over the process's own timers.

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

  /** After the sockets that have data now were read, so that one round carries it all. */
  soon(callback: () => void): void {
    this.turnEnds.run(callback);
  }
}
