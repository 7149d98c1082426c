import type { FastifyInstance } from 'fastify';
import { checkId } from '../../farm/model/identifier.ts';
import type { Printer } from '../../farm/model/printer.ts';
import { getPrinter, PRINTER_PREFIX } from '../../farm/model/printer.ts';
import { checkText, MAX_NAME_CHARACTERS } from '../../farm/model/text.ts';
import { everyRow, listPrinters } from '../../farm/queries.ts';
import type { ListContext } from '../api-context.ts';
import { checkFields, optional } from '../check-fields.ts';
import type { Listing } from '../list-slices.ts';
import { checkListQuery, sendList } from '../listing.ts';
import { presentPrinter } from '../presentation.ts';
import { sendOne } from '../read-one.ts';
import { GetQueryString, ListQueryString, NoQueryString, PrinterBody } from '../schemas.ts';
import { submitCreation } from '../submit.ts';

const PATH = '/api/v1/printers';

const LISTING: Listing<Printer> = {
  path: PATH,
  collection: PRINTER_PREFIX,
  scan: (reader, options) => everyRow(listPrinters(reader, options)),
  present: presentPrinter,
};

export function addPrinterRoutes(app: FastifyInstance, context: ListContext): void {
  app.get<{ Querystring: ListQueryString }>(
    PATH,
    { schema: { querystring: ListQueryString } },
    (request, reply) => sendList(context, { request, reply }, LISTING, checkListQuery(request.query)),
  );

  app.get<{ Params: { id: string }; Querystring: GetQueryString }>(
    `${PATH}/:id`,
    { schema: { querystring: GetQueryString } },
    ({ params: { id }, query: { consistency } }, reply) =>
      sendOne(context, reply, { kind: 'printer', id, consistency, get: getPrinter, present: presentPrinter }),
  );

  app.post<{ Body: PrinterBody }>(
    PATH,
    { schema: { body: PrinterBody, querystring: NoQueryString } },
    (request, reply) => {
      const { id, company, model } = checkFields({
        id: optional(request.body.id, checkId),
        company: checkText(request.body.company, MAX_NAME_CHARACTERS),
        model: checkText(request.body.model, MAX_NAME_CHARACTERS),
      });
      return submitCreation(context, request, reply, {
        id,
        actionFor: (id) => ({ kind: 'add_printer', printer: { id, company, model } }),
      });
    },
  );
}
