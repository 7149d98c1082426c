// Assertions are for our own bugs. They stay on in production: a node that breaks an invariant stops.

/**
 * Thrown when the program itself is wrong. The node then stops and logs the message.
 * For tests: they tell a broken invariant from other errors.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Closes an exhaustive switch: a compile error when a case is missing, an AssertionError at run time. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable case: ${JSON.stringify(value)}`);
}

/** Returns `value`, which the caller knows to be present. Throws AssertionError when it is not. */
export function present<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}
