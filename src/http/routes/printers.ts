import type { FastifyInstance } from 'fastify';
import type { BodyOf } from '../../api/operations.ts';
import { checkId } from '../../farm/model/identifier.ts';
import { checkText, MAX_NAME_CHARACTERS } from '../../farm/model/text.ts';
import { addOperation } from '../add-operation.ts';
import { checkFields, optional } from '../check-fields.ts';
import { type ListContext, listingOfAll, readList, readOne } from '../reads.ts';
import { PRINTERS } from '../resources.ts';
import { type Creation, submitCreation } from '../submit.ts';

export function addPrinterRoutes(app: FastifyInstance, context: ListContext): void {
  const all = listingOfAll(PRINTERS);
  addOperation(app, 'listPrinters', (request, reply) => readList(context, request, reply, () => all));
  addOperation(app, 'getPrinter', (request, reply) => readOne(context, PRINTERS, request, reply));
  addOperation(app, 'createPrinter', (request, reply) =>
    submitCreation(context, PRINTERS, { request, reply }, creationFrom(request.body)),
  );
}

function creationFrom(body: BodyOf<'createPrinter'>): Creation {
  const { id, company, model } = checkFields({
    id: optional(body.id, checkId),
    company: checkText(body.company, MAX_NAME_CHARACTERS),
    model: checkText(body.model, MAX_NAME_CHARACTERS),
  });
  return { id, actionFor: (id) => ({ kind: 'add_printer', printer: { id, company, model } }) };
}
