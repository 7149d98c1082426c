// Ids of printers, filaments and print jobs. The caller chooses one, or the node that takes the request
// generates it.

import { type Checked, rejected } from './checked.ts';
import { checkText } from './text.ts';

export const MAX_ID_CHARACTERS = 128;

/**
 * Accepts a string of 1 to 128 characters, or a safe integer, which becomes its decimal string: `7` and `"7"`
 * are one id. `.` and `..` are refused: URL parsers remove them, so the resource could never be requested.
 */
export function checkId(value: unknown): Checked<string> {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return checkId(String(value));
    return rejected(`as a number must be an integer within ±${Number.MAX_SAFE_INTEGER}: send it as a string`);
  }
  if (typeof value !== 'string') return rejected('must be a string or an integer');
  if (value === '.' || value === '..') return rejected('must not be "." or "..": no URL can name it');
  return checkText(value, MAX_ID_CHARACTERS);
}
