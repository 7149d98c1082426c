// The latest events in readable form. The trace is off while seeds are searched, and on when a failing one
// runs again.

export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

/** Lines that are kept; older ones are dropped. */
const MAX_LINES = 20_000;

export class Trace {
  readonly isOn: boolean;
  readonly #nowMs: () => number;
  #lines: TraceLine[] = [];

  constructor(isOn: boolean, nowMs: () => number) {
    this.isOn = isOn;
    this.#nowMs = nowMs;
  }

  /** `what` is called only when the trace is on. */
  add(who: string, what: () => string): void {
    if (!this.isOn) return;
    this.#lines.push({ atMs: this.#nowMs(), who, what: what() });
    if (this.#lines.length > 2 * MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES);
  }

  get lines(): readonly TraceLine[] {
    return this.#lines;
  }
}

export function formatTraceLine({ atMs, who, what }: TraceLine): string {
  return `${(atMs / 1_000).toFixed(6).padStart(12)} s  ${who.padEnd(8)} ${what}`;
}
