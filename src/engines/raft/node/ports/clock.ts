// The port of time.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number;
  /** Milliseconds since 1970: for people and for ages, never for safety. */
  wallClock(): number;
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` once the events that are already waiting have been handled: what batches are made of. */
  soon(callback: () => void): void;
}
