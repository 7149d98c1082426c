// Limits repeated warnings: a peer that is refused dials again every second.

import type { LogFields, Logger } from '../../../shared/logger.ts';

const INTERVAL_MS = 30_000;
const MAX_SUBJECTS = 256;

interface Subject {
  loggedAtMs: number;
  suppressed: number;
}

/** Logs one warning for each subject every 30 seconds, with how many were suppressed since the last one. */
export class BoundedLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #subjects = new Map<string, Subject>();

  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  warn(subject: string, message: string, fields: LogFields = {}): void {
    const known = this.#subjects.get(subject);
    if (known !== undefined && this.#now() - known.loggedAtMs < INTERVAL_MS) {
      known.suppressed++;
      return;
    }
    const suppressed = known?.suppressed ?? 0;
    this.#logger.warn(message, suppressed === 0 ? fields : { ...fields, suppressed });
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { loggedAtMs: this.#now(), suppressed: 0 });
    const [oldest] = this.#subjects.keys();
    if (this.#subjects.size > MAX_SUBJECTS && oldest !== undefined) this.#subjects.delete(oldest);
  }
}
