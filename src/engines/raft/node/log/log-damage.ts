// The error for a log, or a record beside it, that is not as it was written.

import { asError, CodedError } from '../../../../shared/coded-error.ts';

/** Returns the result of `read`. Any error that it throws becomes CodedError `log_damaged`. */
export function verified<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CodedError && cause.code === 'log_damaged') throw cause;
    throw damaged(`${what} cannot be read (${asError(cause).message})`, cause);
  }
}

export function damaged(what: string, cause?: unknown): CodedError {
  return new CodedError(
    'log_damaged',
    `the data of this node is damaged: ${what}. Move its data directory away and start it with -clean -join ` +
      'and the address of another member: it is rebuilt from the others',
    { fields: { what }, cause },
  );
}
