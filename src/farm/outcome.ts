// The outcome of applying a command: the resource after it, or the reason why nothing changed.

import type { PrintJobStatus } from './model/print-job-status.ts';
import type { Resource, ResourceKind } from './model/resource.ts';

/** JSON values only: outcomes are kept in the state for retries with the same idempotency key. */
export type FarmOutcome = { readonly kind: 'created' | 'changed'; readonly resource: Resource } | FarmRefusal;

/** A refused command changed nothing. `code` is part of the API's contract. */
export type FarmRefusal = { readonly kind: 'refused' } & (
  | { readonly code: 'already_exists' | 'not_found'; readonly resource: ResourceKind; readonly id: string }
  | { readonly code: 'unknown_printer'; readonly printerId: string }
  | { readonly code: 'unknown_filament'; readonly filamentId: string }
  | {
      readonly code: 'insufficient_filament';
      readonly filamentId: string;
      readonly remainingMilligrams: number;
      readonly reservedMilligrams: number;
      readonly availableMilligrams: number;
      readonly askedMilligrams: number;
    }
  | {
      readonly code: 'invalid_transition';
      readonly id: string;
      readonly from: PrintJobStatus;
      readonly to: PrintJobStatus;
      readonly allowed: readonly PrintJobStatus[];
    }
  /** The idempotency key was used before, for another request. */
  | { readonly code: 'idempotency_key_reused' }
  /** The bytes are not a command of this version. */
  | { readonly code: 'malformed_command' }
);
