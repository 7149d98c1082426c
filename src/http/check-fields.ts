// Turns the fields of a request into values that the farm takes, or into one 400 with every field at fault.

import { accepted, type Checked } from '../farm/model/checked.ts';
import { invalidRequest } from './error-handler.ts';
import { gatherFields } from './field-problems.ts';

/** Throws `invalid_request` with every problem, or returns the checked values under the same names. */
export function checkFields<T extends Readonly<Record<string, unknown>>>(
  checks: {
    readonly [K in keyof T]: Checked<T[K]>;
  },
): T {
  const gathered = gatherFields<T>(checks);
  if (!gathered.ok) throw invalidRequest(gathered.problems);
  return gathered.fields;
}

/** Checks a field that may be left out. */
export function optional<T>(value: unknown, check: (value: unknown) => Checked<T>): Checked<T | undefined> {
  return value === undefined ? accepted(undefined) : check(value);
}
