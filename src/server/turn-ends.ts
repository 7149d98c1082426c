// What is done at the end of a turn of the event loop, when all that had come in was read.
//
// libuv takes one connection a turn from those that wait to be accepted. Turns are long under load, so that of hundreds of
// callers who come at once the last ones would wait for a second and more. Turns without work are short: while connections
// keep coming, the work waits for the end of a later turn, a few milliseconds at most.

import { performance } from 'node:perf_hooks';

/** Then the work that waits is done, and what comes after it may wait as long again. */
const MAX_WAIT_MS = 5;

export class TurnEnds {
  #waiting: (() => void)[] = [];
  #hasConnected = false;
  /** Since when work waits for connections. */
  #waitsSince: number | undefined;

  /** Calls `action` at the end of this turn, or of one a few milliseconds later. */
  run(action: () => void): void {
    if (this.#waiting.push(action) === 1) setImmediate(this.#turnEnds);
  }

  /** A connection was accepted in this turn: there may be more. */
  connected(): void {
    this.#hasConnected = true;
  }

  readonly #turnEnds = (): void => {
    const isWaiting = this.#hasConnected && !this.#hasWaited();
    this.#hasConnected = false;
    if (isWaiting) {
      setImmediate(this.#turnEnds);
      return;
    }
    this.#waitsSince = undefined;
    const actions = this.#waiting;
    this.#waiting = [];
    let done = 0;
    try {
      for (const action of actions) {
        done += 1;
        action();
      }
    } finally {
      // One that throws, which ends the process in order, takes none of those behind it along.
      for (const action of actions.slice(done)) this.run(action);
    }
  };

  #hasWaited(): boolean {
    const now = performance.now();
    this.#waitsSince ??= now;
    return now - this.#waitsSince >= MAX_WAIT_MS;
  }
}
