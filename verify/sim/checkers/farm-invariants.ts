// What must hold of the farm after every command, judged from the rows that it writes (by rules of its own, not by
// those of src/farm).

import { FILAMENT_PREFIX, filamentFrom } from '../../../src/farm/model/filament.ts';
import { PRINT_JOB_PREFIX, printJobFrom } from '../../../src/farm/model/print-job.ts';
import type { Json } from '../../../src/state/state-view.ts';
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

const LEGAL_MOVES = new Set([
  'Queued>Running',
  'Queued>Canceled',
  'Running>Done',
  'Running>Canceled',
  'Running>Failed',
]);

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
      'a spool holds what is reserved',
      () => `spool ${row.id} has ${JSON.stringify(spool)}`,
    );
    this.#spools.set(row.id, spool);
    return row.id;
  }

  #onJob(id: string, stored: Json): string {
    const row = printJobFrom(id, stored);
    const before = this.#jobs.get(row.id);
    const move = before === undefined ? `new>${row.status}` : `${before.status}>${row.status}`;
    this.#violations.expect(
      move === 'new>Queued' || LEGAL_MOVES.has(move),
      'jobs move as they may',
      () => `job ${row.id} went ${move}`,
    );
    this.#jobs.set(row.id, { status: row.status, filament: row.filamentId, weight: row.weightMilligrams });
    return row.filamentId;
  }

  #checkReservations(spoolId: string): void {
    let expected = 0;
    for (const { filament, status, weight } of this.#jobs.values()) {
      if (filament === spoolId && (status === 'Queued' || status === 'Running')) expected += weight;
    }
    const reserved = this.#spools.get(spoolId)?.reserved;
    this.#violations.expect(
      reserved === expected,
      'reserved is what open jobs need',
      () => `spool ${spoolId} has ${reserved} reserved, and its open jobs need ${expected}`,
    );
  }
}
