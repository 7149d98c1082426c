// Typed errors are for the world: bad input, full disks, lost leaders.

/** Values for the caller, beside the message. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * An error with a stable `code` (snake_case, part of the public contract), a message that says what to do,
 * and the fields at fault. Only src/api knows the HTTP status of a code.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = 'CodedError';
  readonly code: Code;
  readonly fields: ErrorFields;

  constructor(code: Code, message: string, options: { fields?: ErrorFields; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }
}

/** Returns a thrown value as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
