// The clock of one process. Its rate may differ from true time, its wall clock may jump, its timers may be
// late.

import type { Clock, Timer } from '../../src/engines/raft/node/ports/clock.ts';
import type { Draws } from '../kit/draws.ts';
import type { ProcessLife } from './process-life.ts';
import type { Timeline } from './timeline.ts';

/** The clock hardware of one host. It outlives the processes that read it. */
export class HostClock {
  readonly #timeline: Timeline;
  #rate = 1;
  #readingMs: number;
  #readAtMs: number;
  #wallOffsetMs: number;
  /** Upper bound of the lateness of timers. */
  maxLatenessMs = 0;

  /** `startMs` is the first reading of the monotonic clock. */
  constructor(timeline: Timeline, { startMs, wallOffsetMs }: { startMs: number; wallOffsetMs: number }) {
    this.#timeline = timeline;
    this.#readingMs = startMs;
    this.#readAtMs = timeline.nowMs;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** Host milliseconds per true millisecond. */
  get rate(): number {
    return this.#rate;
  }

  /** Changes the rate. The reading never goes back. */
  drift(rate: number): void {
    this.#readingMs = this.now();
    this.#readAtMs = this.#timeline.nowMs;
    this.#rate = rate;
  }

  /** Sets the wall clock. The monotonic clock is unaffected. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  now(): number {
    return this.#readingMs + (this.#timeline.nowMs - this.#readAtMs) * this.#rate;
  }

  wallClock(): number {
    return Math.max(0, Math.floor(this.now() + this.#wallOffsetMs));
  }
}

export class SimulatedClock implements Clock {
  readonly #timeline: Timeline;
  readonly #host: HostClock;
  readonly #life: ProcessLife;
  readonly #draws: Draws;

  constructor(timeline: Timeline, process: { host: HostClock; life: ProcessLife; draws: Draws }) {
    this.#timeline = timeline;
    this.#host = process.host;
    this.#life = process.life;
    this.#draws = process.draws;
  }

  now(): number {
    return this.#host.now();
  }

  wallClock(): number {
    return this.#host.wallClock();
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!this.#life.isAlive) return { cancel: () => undefined };
    const { maxLatenessMs, rate } = this.#host;
    const latenessMs = maxLatenessMs === 0 ? 0 : this.#draws.fraction() * maxLatenessMs;
    const event = this.#timeline.schedule(Math.max(0, delayMs) / rate + latenessMs, this.#life, callback);
    return { cancel: () => this.#timeline.cancel(event) };
  }

  soon(callback: () => void): void {
    if (this.#life.isAlive) this.#timeline.schedule(0, this.#life, callback);
  }
}
