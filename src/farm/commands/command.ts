// What is replicated: one command a log entry. Everything that must not differ between replicas (ids, times) is decided
// by the node that was asked and carried here. In bytes it is JSON, arrays without the names of fields:
//
//   [time, action] or [time, action, [idempotency key, fingerprint]], where an action is one of
//   ["p", id, company, model]                          a printer
//   ["f", id, material, color, total, remaining]       a filament, in milligrams
//   ["j", id, printer, filament, path, milligrams]     a print job
//   ["s", id, status]                                  another status of a print job

import { unreachable } from '../../shared/assert.ts';
import { encodeUtf8 } from '../../shared/utf8.ts';
import { checkId } from '../model/identifier.ts';
import { checkMaterial } from '../model/material.ts';
import { isMilligrams } from '../model/milligrams.ts';
import type { Printer } from '../model/model.ts';
import { isPrintJobStatus, type PrintJobStatus } from '../model/print-job-status.ts';
import {
  checkText,
  MAX_COLOR_CHARACTERS,
  MAX_FILE_PATH_CHARACTERS,
  MAX_NAME_CHARACTERS,
} from '../model/text.ts';

export interface Command {
  /** Milliseconds since 1970 at the node that was asked: for people and for ages, never for an order. */
  readonly atMs: number;
  readonly action: Action;
  /** Present when the caller sent an idempotency key. */
  readonly idempotency?: IdempotencyClaim;
}

export type Action =
  | { readonly kind: 'add_printer'; readonly printer: Printer }
  | { readonly kind: 'add_filament'; readonly filament: NewFilament }
  | { readonly kind: 'add_print_job'; readonly printJob: NewPrintJob }
  | { readonly kind: 'change_print_job_status'; readonly id: string; readonly status: PrintJobStatus };

export interface NewFilament {
  readonly id: string;
  readonly material: string;
  readonly color: string;
  /** More than 0. */
  readonly totalMilligrams: number;
  /** At most the total. */
  readonly remainingMilligrams: number;
}

export interface NewPrintJob {
  readonly id: string;
  readonly printerId: string;
  readonly filamentId: string;
  readonly filePath: string;
  /** More than 0. */
  readonly weightMilligrams: number;
}

/** The caller's key, and what tells one request from another: equal for a retry, whatever node takes it. */
export interface IdempotencyClaim {
  /** 1 to 255 visible ASCII characters. */
  readonly key: string;
  /** 1 to 128 visible ASCII characters. */
  readonly fingerprint: string;
}

export const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
export const MAX_FINGERPRINT_CHARACTERS = 128;
/** The last millisecond of the year 9999. */
export const MAX_AT_MS = 253_402_300_799_999;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

export function isIdempotencyKey(value: unknown): value is string {
  return isVisibleAscii(value, MAX_IDEMPOTENCY_KEY_CHARACTERS);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeCommand({ atMs, action, idempotency: claim }: Command): Uint8Array {
  const fields = fieldsOf(action);
  const command = claim === undefined ? [atMs, fields] : [atMs, fields, [claim.key, claim.fingerprint]];
  return encodeUtf8(JSON.stringify(command));
}

function fieldsOf(action: Action): readonly (string | number)[] {
  switch (action.kind) {
    case 'add_printer': {
      const { id, company, model } = action.printer;
      return ['p', id, company, model];
    }
    case 'add_filament': {
      const { id, material, color, totalMilligrams, remainingMilligrams } = action.filament;
      return ['f', id, material, color, totalMilligrams, remainingMilligrams];
    }
    case 'add_print_job': {
      const { id, printerId, filamentId, filePath, weightMilligrams } = action.printJob;
      return ['j', id, printerId, filamentId, filePath, weightMilligrams];
    }
    case 'change_print_job_status':
      return ['s', action.id, action.status];
    default:
      return unreachable(action);
  }
}

/** The command in `bytes`, every field checked; undefined when it is none that this version knows. */
export function decodeCommand(bytes: Uint8Array): Command | undefined {
  const value = parseJson(bytes);
  if (!isArray(value) || value.length < 2 || value.length > 3) return undefined;
  const [atMs, fields, claim] = value;
  if (!Number.isSafeInteger(atMs) || (atMs as number) < 0 || (atMs as number) > MAX_AT_MS) return undefined;
  const action = readAction(fields);
  if (action === undefined) return undefined;
  if (value.length === 2) return { atMs: atMs as number, action };
  const idempotency = readIdempotencyClaim(claim);
  return idempotency && { atMs: atMs as number, action, idempotency };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // Neither UTF-8 nor JSON throw for any other reason: to the caller it is one answer.
    return undefined;
  }
}

function readAction(value: unknown): Action | undefined {
  if (!isArray(value)) return undefined;
  switch (value[0]) {
    case 'p': {
      const printer = readPrinter(value);
      return printer && { kind: 'add_printer', printer };
    }
    case 'f': {
      const filament = readFilament(value);
      return filament && { kind: 'add_filament', filament };
    }
    case 'j': {
      const printJob = readPrintJob(value);
      return printJob && { kind: 'add_print_job', printJob };
    }
    case 's': {
      const [, id, status] = value;
      if (value.length !== 3 || !isId(id) || !isPrintJobStatus(status)) return undefined;
      return { kind: 'change_print_job_status', id, status };
    }
    default:
      return undefined;
  }
}

function readPrinter(fields: readonly unknown[]): Printer | undefined {
  const [, id, company, model] = fields;
  if (fields.length !== 4 || !isId(id)) return undefined;
  if (!isText(company, MAX_NAME_CHARACTERS) || !isText(model, MAX_NAME_CHARACTERS)) return undefined;
  return { id, company, model };
}

function readFilament(fields: readonly unknown[]): NewFilament | undefined {
  const [, id, material, color, totalMilligrams, remainingMilligrams] = fields;
  if (fields.length !== 6 || !isId(id)) return undefined;
  if (!isMaterial(material) || !isText(color, MAX_COLOR_CHARACTERS)) return undefined;
  if (!isMilligrams(totalMilligrams) || !isMilligrams(remainingMilligrams)) return undefined;
  if (totalMilligrams === 0 || remainingMilligrams > totalMilligrams) return undefined;
  return { id, material, color, totalMilligrams, remainingMilligrams };
}

function readPrintJob(fields: readonly unknown[]): NewPrintJob | undefined {
  const [, id, printerId, filamentId, filePath, weightMilligrams] = fields;
  if (fields.length !== 6 || !isId(id) || !isId(printerId) || !isId(filamentId)) return undefined;
  if (!isText(filePath, MAX_FILE_PATH_CHARACTERS)) return undefined;
  if (!isMilligrams(weightMilligrams) || weightMilligrams === 0) return undefined;
  return { id, printerId, filamentId, filePath, weightMilligrams };
}

function readIdempotencyClaim(value: unknown): IdempotencyClaim | undefined {
  if (!isArray(value) || value.length !== 2) return undefined;
  const [key, fingerprint] = value;
  if (!isIdempotencyKey(key) || !isVisibleAscii(fingerprint, MAX_FINGERPRINT_CHARACTERS)) return undefined;
  return { key, fingerprint };
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && checkId(value).ok;
}

function isText(value: unknown, maxCharacters: number): value is string {
  return checkText(value, maxCharacters).ok;
}

/** Only in the form that is kept: commands carry what the check gave. */
function isMaterial(value: unknown): value is string {
  const checked = checkMaterial(value);
  return checked.ok && checked.value === value;
}

function isVisibleAscii(value: unknown, maxCharacters: number): value is string {
  return typeof value === 'string' && value.length <= maxCharacters && VISIBLE_ASCII.test(value);
}
