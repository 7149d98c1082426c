// Commands on printers.

import type { StateView } from '../../state/state-view.ts';
import { getPrinter, type Printer, putPrinter } from '../model/printer.ts';
import { MAX_NAME_CHARACTERS } from '../model/text.ts';
import type { FarmOutcome } from '../outcome.ts';
import { type EncodedFields, isId, isText } from './fields.ts';

/** Encoded as ["p", id, company, model]. */
export interface AddPrinter {
  readonly kind: 'add_printer';
  readonly printer: Printer;
}

export function encodeAddPrinter({ printer: { id, company, model } }: AddPrinter): EncodedFields {
  return ['p', id, company, model];
}

export function decodeAddPrinter(fields: readonly unknown[]): AddPrinter | undefined {
  const [, id, company, model] = fields;
  if (fields.length !== 4 || !isId(id)) return undefined;
  if (!isText(company, MAX_NAME_CHARACTERS) || !isText(model, MAX_NAME_CHARACTERS)) return undefined;
  return { kind: 'add_printer', printer: { id, company, model } };
}

export function addPrinter(view: StateView, { printer }: AddPrinter): FarmOutcome {
  const { id } = printer;
  if (getPrinter(view, id) !== undefined) {
    return { kind: 'refused', code: 'already_exists', resource: 'printer', id };
  }
  putPrinter(view, printer);
  return { kind: 'created', resource: { kind: 'printer', row: printer } };
}
