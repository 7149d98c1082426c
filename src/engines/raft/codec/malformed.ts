import { CodedError } from '../../../shared/coded-error.ts';

/** Bytes that this version did not write: the one error of every decoder in this room. */
export function malformed(message: string): CodedError {
  return new CodedError('malformed', message);
}
