import { CodedError } from '../../../shared/coded-error.ts';

/** The one error of every decoder in this room: this version never writes these bytes. */
export function malformed(message: string): CodedError {
  return new CodedError('malformed', message);
}
