// The replicated command, one a log entry. Everything that must be the same on all replicas (ids, times) is
// decided by the node that took the request, and carried here. The encoding is JSON: [time, action], or
// [time, action, [idempotency key, fingerprint]]. The file of each noun has the encoding of its actions.

import { unreachable } from '../../shared/assert.ts';
import { encodeUtf8 } from '../../shared/utf8.ts';
import { type EncodedFields, isArray } from './fields.ts';
import { type AddFilament, decodeAddFilament, encodeAddFilament } from './filament.ts';
import { decodeIdempotencyClaim, type IdempotencyClaim } from './idempotency.ts';
import {
  type AddPrintJob,
  type ChangePrintJobStatus,
  decodeAddPrintJob,
  decodeChangePrintJobStatus,
  encodeAddPrintJob,
  encodeChangePrintJobStatus,
} from './print-job.ts';
import { type AddPrinter, decodeAddPrinter, encodeAddPrinter } from './printer.ts';

export interface Command {
  /** Milliseconds since 1970 at the node that took the request. For people and ages, never for ordering. */
  readonly atMs: number;
  readonly action: Action;
  /** Present when the caller sent an idempotency key. */
  readonly idempotency?: IdempotencyClaim;
}

export type Action = AddPrinter | AddFilament | AddPrintJob | ChangePrintJobStatus;

/** The last millisecond of the year 9999. */
const MAX_AT_MS = 253_402_300_799_999;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeCommand({ atMs, action, idempotency: claim }: Command): Uint8Array {
  const fields = encodeAction(action);
  const command = claim === undefined ? [atMs, fields] : [atMs, fields, [claim.key, claim.fingerprint]];
  return encodeUtf8(JSON.stringify(command));
}

function encodeAction(action: Action): EncodedFields {
  switch (action.kind) {
    case 'add_printer':
      return encodeAddPrinter(action);
    case 'add_filament':
      return encodeAddFilament(action);
    case 'add_print_job':
      return encodeAddPrintJob(action);
    case 'change_print_job_status':
      return encodeChangePrintJobStatus(action);
    default:
      return unreachable(action);
  }
}

/** Decodes and checks every field. Undefined when the bytes are no command that this version knows. */
export function decodeCommand(bytes: Uint8Array): Command | undefined {
  const value = parseJson(bytes);
  if (!isArray(value) || value.length < 2 || value.length > 3) return undefined;
  const [atMs, fields, claim] = value;
  if (!Number.isSafeInteger(atMs) || (atMs as number) < 0 || (atMs as number) > MAX_AT_MS) return undefined;
  const action = decodeAction(fields);
  if (action === undefined) return undefined;
  if (value.length === 2) return { atMs: atMs as number, action };
  const idempotency = decodeIdempotencyClaim(claim);
  return idempotency && { atMs: atMs as number, action, idempotency };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // Bytes that are not UTF-8 or not JSON: the only errors that these two calls throw.
    return undefined;
  }
}

function decodeAction(value: unknown): Action | undefined {
  if (!isArray(value)) return undefined;
  switch (value[0]) {
    case 'p':
      return decodeAddPrinter(value);
    case 'f':
      return decodeAddFilament(value);
    case 'j':
      return decodeAddPrintJob(value);
    case 's':
      return decodeChangePrintJobStatus(value);
    default:
      return undefined;
  }
}
