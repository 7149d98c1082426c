// Turns the fields of a request into values that the farm takes, or into one 400 with every field at fault.

import type { FieldProblem } from '../api/problems.ts';
import { accepted, type Checked } from '../farm/model/checked.ts';
import { invalidRequest } from './error-handler.ts';

/** Takes one check a field. Throws `invalid_request` with every problem, or returns the checked values. */
export function checkFields<T extends Readonly<Record<string, unknown>>>(
  checks: {
    readonly [K in keyof T]: Checked<T[K]>;
  },
): T {
  const problems: FieldProblem[] = [];
  const fields: Record<string, unknown> = {};
  for (const [field, check] of Object.entries<Checked<unknown>>(checks)) {
    if (check.ok) fields[field] = check.value;
    else problems.push({ field, message: check.problem });
  }
  const [first, ...others] = problems;
  if (first !== undefined) throw invalidRequest(first, ...others);
  return fields as T;
}

/** Checks a field that may be left out. */
export function optional<T>(value: unknown, check: (value: unknown) => Checked<T>): Checked<T | undefined> {
  return value === undefined ? accepted(undefined) : check(value);
}
