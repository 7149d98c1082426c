import { Type } from 'typebox';
import { EXACT, id, idOrInteger, text } from './values.ts';

const company = text(256, { examples: ['Prusa'] });
const model = text(256, { examples: ['MK3S+'] });

export const Printer = Type.Object(
  { id: id({ examples: ['printer1'] }), company, model },
  { title: 'Printer' },
);

export const NewPrinter = Type.Object(
  {
    id: Type.Optional(idOrInteger({ description: 'Left out, the node mints one.', examples: ['printer1'] })),
    company,
    model,
  },
  { title: 'NewPrinter', ...EXACT },
);
