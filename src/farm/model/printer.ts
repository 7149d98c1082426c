// A printer, and its row in the replicated state: key `p/<id>`, value [company, model].

import type { Json, StateReader, StateView } from '../../state/state-view.ts';

export type Printer = {
  readonly id: string;
  readonly company: string;
  readonly model: string;
};

export const PRINTER_PREFIX = 'p/';

type PrinterRow = readonly [company: string, model: string];

export function getPrinter(reader: StateReader, id: string): Printer | undefined {
  const row = reader.get(PRINTER_PREFIX + id);
  return row === undefined ? undefined : printerFrom(id, row);
}

export function printerFrom(id: string, row: Json): Printer {
  const [company, model] = row as PrinterRow;
  return { id, company, model };
}

export function putPrinter(view: StateView, { id, company, model }: Printer): void {
  view.put(PRINTER_PREFIX + id, [company, model] satisfies PrinterRow);
}
