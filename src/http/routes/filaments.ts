import type { FastifyInstance } from 'fastify';
import type { BodyOf } from '../../api/operations.ts';
import { checkId } from '../../farm/model/identifier.ts';
import { checkMaterial } from '../../farm/model/material.ts';
import { checkGrams, checkPositiveGrams } from '../../farm/model/milligrams.ts';
import { checkText, MAX_COLOR_CHARACTERS } from '../../farm/model/text.ts';
import { addOperation } from '../add-operation.ts';
import { checkFields, optional } from '../check-fields.ts';
import { invalidRequest } from '../error-handler.ts';
import { type ListContext, listingOfAll, readList, readOne } from '../reads.ts';
import { FILAMENTS } from '../resources.ts';
import { type Creation, submitCreation } from '../submit.ts';

export function addFilamentRoutes(app: FastifyInstance, context: ListContext): void {
  const all = listingOfAll(FILAMENTS);
  addOperation(app, 'listFilaments', (request, reply) => readList(context, request, reply, () => all));
  addOperation(app, 'getFilament', (request, reply) => readOne(context, FILAMENTS, request, reply));
  addOperation(app, 'createFilament', (request, reply) =>
    submitCreation(context, FILAMENTS, { request, reply }, creationFrom(request.body)),
  );
}

function creationFrom(body: BodyOf<'createFilament'>): Creation {
  const fields = checkFields({
    id: optional(body.id, checkId),
    type: checkMaterial(body.type),
    color: checkText(body.color, MAX_COLOR_CHARACTERS),
    total_weight_in_grams: checkPositiveGrams(body.total_weight_in_grams),
    remaining_weight_in_grams: optional(body.remaining_weight_in_grams, checkGrams),
  });
  const { id, type: material, color, total_weight_in_grams: totalMilligrams } = fields;
  const remainingMilligrams = fields.remaining_weight_in_grams ?? totalMilligrams;
  if (remainingMilligrams > totalMilligrams) {
    const message = 'must be at most total_weight_in_grams';
    throw invalidRequest({ field: 'remaining_weight_in_grams', message });
  }
  return {
    id,
    actionFor: (id) => ({
      kind: 'add_filament',
      filament: { id, material, color, totalMilligrams, remainingMilligrams },
    }),
  };
}
