// The rows of the replicated state. Type aliases rather than interfaces: only those are assignable to Json.

import type { PrintJobStatus } from './print-job-status.ts';

export type Printer = {
  readonly id: string;
  readonly company: string;
  readonly model: string;
};

/** Invariant F1: 0 ≤ reserved ≤ remaining ≤ total. Held by `putFilament`; tested in apply.property.test.ts. */
export type Filament = {
  readonly id: string;
  readonly material: string;
  readonly color: string;
  readonly totalMilligrams: number;
  /** What is on the spool. */
  readonly remainingMilligrams: number;
  /** Invariant F2: the sum of the weights of this filament's Queued and Running jobs. */
  readonly reservedMilligrams: number;
};

export type PrintJob = {
  readonly id: string;
  readonly printerId: string;
  readonly filamentId: string;
  readonly filePath: string;
  readonly weightMilligrams: number;
  readonly status: PrintJobStatus;
  /** Milliseconds since 1970, by the clock of the node that was asked. */
  readonly createdAtMs: number;
  /** Never before createdAtMs, whatever the nodes' clocks say. */
  readonly updatedAtMs: number;
};

export type ResourceKind = 'printer' | 'filament' | 'print_job';

/** A row together with what it is. */
export type Resource =
  | { readonly kind: 'printer'; readonly row: Printer }
  | { readonly kind: 'filament'; readonly row: Filament }
  | { readonly kind: 'print_job'; readonly row: PrintJob };

export function availableMilligrams(filament: Filament): number {
  return filament.remainingMilligrams - filament.reservedMilligrams;
}
