// The result of a check of one value from outside: the value in the form that the farm stores, or the
// problem.

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  /** `problem` completes the sentence '<field> …' and says what to send instead. */
  | { readonly ok: false; readonly problem: string };

export function accepted<T>(value: T): Checked<T> {
  return { ok: true, value };
}

export function rejected(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
