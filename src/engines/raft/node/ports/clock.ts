// The port of time.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number;
  /** Milliseconds since 1970, for display and ages. Safety never depends on it. */
  wallClock(): number;
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` after the events that already wait. Work of that time becomes one batch. */
  soon(callback: () => void): void;
}
