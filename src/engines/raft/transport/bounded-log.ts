// A peer that is turned away tries again every second: the log says so now and then, not every time.

import type { LogFields, Logger } from '../../../shared/logger.ts';

const INTERVAL_MS = 30_000;
const MAX_SUBJECTS = 256;

interface Subject {
  saidAtMs: number;
  unsaid: number;
}

/** Passes on one warning about each subject every 30 seconds, with how many were left out before it. */
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
    if (known !== undefined && this.#now() - known.saidAtMs < INTERVAL_MS) {
      known.unsaid++;
      return;
    }
    this.#remember(subject);
    const repeated = known === undefined || known.unsaid === 0 ? {} : { unsaidSince: known.unsaid };
    this.#logger.warn(message, { ...fields, ...repeated });
  }

  #remember(subject: string): void {
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { saidAtMs: this.#now(), unsaid: 0 });
    const [oldest] = this.#subjects.keys();
    if (this.#subjects.size > MAX_SUBJECTS && oldest !== undefined) this.#subjects.delete(oldest);
  }
}
