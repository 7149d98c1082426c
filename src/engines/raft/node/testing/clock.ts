// A clock for tests: time passes when the test says so, one event at a time.

import { assert } from '../../../../shared/assert.ts';
import type { Logger } from '../../../../shared/logger.ts';
import type { Clock, Timer } from '../ports/clock.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly process: TestProcess;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Events belong to a process. Events of a killed process never happen. */
export class TestProcess {
  isAlive = true;
}

export class TestClock implements Clock {
  readonly #process: TestProcess;
  readonly #shared: { now: number; order: number; events: Event[] };

  constructor(
    process = new TestProcess(),
    shared: { now: number; order: number; events: Event[] } = { now: 1_000, order: 0, events: [] },
  ) {
    this.#process = process;
    this.#shared = shared;
  }

  /** Returns the same time for one process. */
  of(life: TestProcess): TestClock {
    return new TestClock(life, this.#shared);
  }

  now(): number {
    return this.#shared.now;
  }

  wallClock(): number {
    return 1_700_000_000_000 + this.#shared.now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const at = this.#shared.now + delayMs;
    const event = {
      at,
      order: this.#shared.order++,
      process: this.#process,
      callback,
      isCancelled: false,
    };
    this.#shared.events.push(event);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  soon(callback: () => void): void {
    this.after(0, callback);
  }

  /** Lets `ms` pass, with every event that is due by then. */
  advance(ms: number): void {
    const until = this.#shared.now + ms;
    while (this.#step(until));
    this.#shared.now = until;
  }

  /** Runs every event that is due now. */
  settle(): void {
    this.advance(0);
  }

  /** Lets time pass until `condition` holds. Throws AssertionError after `maxMs`. */
  runUntil(condition: () => boolean, what: string, maxMs = 60_000): void {
    const until = this.#shared.now + maxMs;
    while (!condition()) assert(this.#step(until), `within ${maxMs} ms: ${what}`);
  }

  #step(until: number): boolean {
    const { events } = this.#shared;
    let next: Event | undefined;
    for (const event of events) {
      if (event.isCancelled || !event.process.isAlive || event.at > until) continue;
      if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) {
        next = event;
      }
    }
    if (next === undefined) return false;
    const taken = next;
    this.#shared.events = events.filter(
      (event) => event !== taken && !event.isCancelled && event.process.isAlive,
    );
    this.#shared.now = Math.max(this.#shared.now, taken.at);
    taken.callback();
    return true;
  }
}

interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps the lines. */
export class TestLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(message: string, fields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(message: string, fields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }

  /** Returns the messages of `level`, in order. */
  messages(level: LogLine['level']): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}
