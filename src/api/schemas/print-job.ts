import { Type } from 'typebox';
import { EXACT, id, idOrInteger, positiveGrams, text } from './values.ts';

export const PrintJobStatus = Type.Enum(['Queued', 'Running', 'Done', 'Canceled', 'Failed'], {
  title: 'PrintJobStatus',
  description: 'A request may write it in any case, and Cancelled for Canceled.',
  examples: ['Running'],
});

const filepath = text(4096, { examples: ['/models/benchy.gcode'] });
const weight = positiveGrams({
  description: 'Up to three decimals, and at most the available weight of the spool.',
  examples: [15],
});
const time = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-11-24T02:33:11.000Z'] });

export const PrintJob = Type.Object(
  {
    id: id({ examples: ['job1'] }),
    printer_id: id({ examples: ['printer1'] }),
    filament_id: id({ examples: ['filament1'] }),
    filepath,
    print_weight_in_grams: weight,
    status: PrintJobStatus,
    created_at: time('By the clock of the node that took the request.'),
    updated_at: time('When the status last changed.'),
  },
  { title: 'PrintJob' },
);

export const NewPrintJob = Type.Object(
  {
    id: Type.Optional(idOrInteger({ description: 'Left out, the node mints one.', examples: ['job1'] })),
    printer_id: idOrInteger({ description: 'Of a printer that exists.', examples: ['printer1'] }),
    filament_id: idOrInteger({ description: 'Of a filament that exists.', examples: ['filament1'] }),
    filepath,
    print_weight_in_grams: weight,
    status: Type.Optional(Type.Literal('Queued', { description: 'A new job is always Queued.' })),
  },
  { title: 'NewPrintJob', ...EXACT },
);
