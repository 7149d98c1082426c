import type { FastifyInstance } from 'fastify';
import type { Filament } from '../../farm/model/filament.ts';
import { FILAMENT_PREFIX, getFilament } from '../../farm/model/filament.ts';
import { checkId } from '../../farm/model/identifier.ts';
import { checkMaterial } from '../../farm/model/material.ts';
import { checkGrams, checkPositiveGrams } from '../../farm/model/milligrams.ts';
import { checkText, MAX_COLOR_CHARACTERS } from '../../farm/model/text.ts';
import { everyRow, listFilaments } from '../../farm/queries.ts';
import type { ListContext } from '../api-context.ts';
import { checkFields, optional } from '../check-fields.ts';
import { invalidRequest } from '../error-handler.ts';
import type { Listing } from '../list-slices.ts';
import { checkListQuery, sendList } from '../listing.ts';
import { presentFilament } from '../presentation.ts';
import { sendOne } from '../read-one.ts';
import { FilamentBody, GetQueryString, ListQueryString, NoQueryString } from '../schemas.ts';
import { type Creation, submitCreation } from '../submit.ts';

const PATH = '/api/v1/filaments';

const LISTING: Listing<Filament> = {
  path: PATH,
  collection: FILAMENT_PREFIX,
  scan: (reader, options) => everyRow(listFilaments(reader, options)),
  present: presentFilament,
};

export function addFilamentRoutes(app: FastifyInstance, context: ListContext): void {
  app.get<{ Querystring: ListQueryString }>(
    PATH,
    { schema: { querystring: ListQueryString } },
    (request, reply) => sendList(context, { request, reply }, LISTING, checkListQuery(request.query)),
  );

  app.get<{ Params: { id: string }; Querystring: GetQueryString }>(
    `${PATH}/:id`,
    { schema: { querystring: GetQueryString } },
    ({ params: { id }, query: { consistency } }, reply) =>
      sendOne(context, reply, {
        kind: 'filament',
        id,
        consistency,
        get: getFilament,
        present: presentFilament,
      }),
  );

  app.post<{ Body: FilamentBody }>(
    PATH,
    { schema: { body: FilamentBody, querystring: NoQueryString } },
    (request, reply) => submitCreation(context, request, reply, creationFrom(request.body)),
  );
}

function creationFrom(body: FilamentBody): Creation {
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
    throw invalidRequest([{ field: 'remaining_weight_in_grams', message }]);
  }
  return {
    id,
    actionFor: (id) => ({
      kind: 'add_filament',
      filament: { id, material, color, totalMilligrams, remainingMilligrams },
    }),
  };
}
