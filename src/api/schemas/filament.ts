import { Type } from 'typebox';
import { EXACT, grams, id, idOrInteger, positiveGrams, text } from './values.ts';

const material = text(64, {
  description: 'The material, trimmed. Well-known names are taken in any case and stored in upper case.',
  examples: ['PLA'],
});
const color = text(64, { examples: ['Red'] });
const total = positiveGrams({ description: 'Up to three decimals.', examples: [1000] });

export const Filament = Type.Object(
  {
    id: id({ examples: ['filament1'] }),
    type: material,
    color,
    total_weight_in_grams: total,
    remaining_weight_in_grams: grams({ examples: [1000] }),
    reserved_weight_in_grams: grams({
      description: 'The weight that Queued and Running jobs of this spool will need.',
      examples: [15],
    }),
    available_weight_in_grams: grams({
      description: 'The remaining weight less the reserved weight: a new job may ask for this much.',
      examples: [985],
    }),
  },
  { title: 'Filament' },
);

export const NewFilament = Type.Object(
  {
    id: Type.Optional(idOrInteger({ description: 'Left out, the node mints one.', examples: ['filament1'] })),
    type: material,
    color,
    total_weight_in_grams: total,
    remaining_weight_in_grams: Type.Optional(
      grams({ description: 'At most the total, which is the default.', examples: [1000] }),
    ),
  },
  { title: 'NewFilament', ...EXACT },
);
