// Invariants of the farm after every command, checked on the rows that the command writes. The rules are
// those of the second model, not those of src/farm.

import { FILAMENT_PREFIX, filamentFrom } from '../../src/farm/model/filament.ts';
import { PRINT_JOB_PREFIX, printJobFrom } from '../../src/farm/model/print-job.ts';
import type { Json } from '../../src/state/state-view.ts';
import { isOpen, mayFollow } from './farm-model.ts';
import type { Violations } from './violations.ts';

interface Spool {
  readonly remaining: number;
  readonly reserved: number;
  readonly total: number;
}

interface Job {
  readonly status: string;
  readonly filament: string;
  readonly weight: number;
}

export class FarmInvariants {
  readonly #violations: Violations;
  readonly #spools = new Map<string, Spool>();
  readonly #jobs = new Map<string, Job>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  /** The rows that one command wrote, in the agreed order of commands. */
  onRows(rows: Iterable<readonly [key: string, text: string | undefined]>): void {
    const touched = new Set<string>();
    for (const [key, text] of rows) {
      if (text === undefined) continue;
      const row = JSON.parse(text) as Json;
      const idAfter = (prefix: string): string => key.slice(prefix.length);
      if (key.startsWith(FILAMENT_PREFIX)) touched.add(this.#onSpool(idAfter(FILAMENT_PREFIX), row));
      else if (key.startsWith(PRINT_JOB_PREFIX)) touched.add(this.#onJob(idAfter(PRINT_JOB_PREFIX), row));
    }
    for (const spool of touched) this.#checkReservations(spool);
  }

  #onSpool(id: string, stored: Json): string {
    const row = filamentFrom(id, stored);
    const spool = {
      remaining: row.remainingMilligrams,
      reserved: row.reservedMilligrams,
      total: row.totalMilligrams,
    };
    this.#violations.expect(
      0 <= spool.reserved && spool.reserved <= spool.remaining && spool.remaining <= spool.total,
      'reserved fits remaining weight',
      () => `spool ${row.id} has ${JSON.stringify(spool)}`,
    );
    this.#spools.set(row.id, spool);
    return row.id;
  }

  #onJob(id: string, stored: Json): string {
    const row = printJobFrom(id, stored);
    const before = this.#jobs.get(row.id);
    const isLegal =
      before === undefined ? row.status === 'Queued' : mayFollow({ from: before.status, to: row.status });
    this.#violations.expect(
      isLegal,
      'legal status changes',
      () => `job ${row.id} went from ${before?.status ?? 'nothing'} to ${row.status}`,
    );
    this.#jobs.set(row.id, { status: row.status, filament: row.filamentId, weight: row.weightMilligrams });
    return row.filamentId;
  }

  #checkReservations(spoolId: string): void {
    let expected = 0;
    for (const { filament, status, weight } of this.#jobs.values()) {
      if (filament === spoolId && isOpen(status)) expected += weight;
    }
    const reserved = this.#spools.get(spoolId)?.reserved;
    this.#violations.expect(
      reserved === expected,
      'reserved equals open jobs',
      () => `spool ${spoolId} has ${reserved} reserved, and its open jobs need ${expected}`,
    );
  }
}
