// Checks of the fields of a decoded command.

import { checkId } from '../model/identifier.ts';
import { checkText } from '../model/text.ts';

/** A command as a JSON array: a letter for the kind of command, then the fields without their names. */
export type EncodedFields = readonly (string | number)[];

export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && checkId(value).ok;
}

export function isText(value: unknown, maxCharacters: number): value is string {
  return checkText(value, maxCharacters).ok;
}
