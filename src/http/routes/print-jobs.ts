import type { FastifyInstance } from 'fastify';
import { accepted, type Checked, rejected } from '../../farm/model/checked.ts';
import { checkId } from '../../farm/model/identifier.ts';
import { checkPositiveGrams } from '../../farm/model/milligrams.ts';
import type { PrintJob } from '../../farm/model/print-job.ts';
import { getPrintJob, PRINT_JOB_PREFIX } from '../../farm/model/print-job.ts';
import { checkPrintJobStatus } from '../../farm/model/print-job-status.ts';
import { checkText, MAX_FILE_PATH_CHARACTERS } from '../../farm/model/text.ts';
import { everyRow, findPrintJobs, listPrintJobs } from '../../farm/queries.ts';
import type { ListContext } from '../api-context.ts';
import { checkFields, optional } from '../check-fields.ts';
import { invalidRequest } from '../error-handler.ts';
import type { Listing } from '../list-slices.ts';
import { checkListQuery, sendList } from '../listing.ts';
import { presentPrintJob } from '../presentation.ts';
import { sendOne } from '../read-one.ts';
import { notFound } from '../refusals.ts';
import {
  GetQueryString,
  NoQueryString,
  PrintJobBody,
  PrintJobListQueryString,
  StatusChangeQueryString,
} from '../schemas.ts';
import { type Creation, submitChange, submitCreation } from '../submit.ts';

const PATH = '/api/v1/print_jobs';

export function addPrintJobRoutes(app: FastifyInstance, context: ListContext): void {
  app.get<{ Querystring: PrintJobListQueryString }>(
    PATH,
    { schema: { querystring: PrintJobListQueryString } },
    (request, reply) => {
      const query = checkListQuery(request.query);
      sendList(context, { request, reply }, listingFor(request.query), query);
    },
  );

  app.get<{ Params: { id: string }; Querystring: GetQueryString }>(
    `${PATH}/:id`,
    { schema: { querystring: GetQueryString } },
    ({ params: { id }, query: { consistency } }, reply) =>
      sendOne(context, reply, {
        kind: 'print_job',
        id,
        consistency,
        get: getPrintJob,
        present: presentPrintJob,
      }),
  );

  app.post<{ Body: PrintJobBody }>(
    PATH,
    { schema: { body: PrintJobBody, querystring: NoQueryString } },
    (request, reply) => submitCreation(context, request, reply, creationFrom(request.body)),
  );

  app.post<{ Params: { id: string }; Querystring: StatusChangeQueryString }>(
    `${PATH}/:id/status`,
    { schema: { querystring: StatusChangeQueryString } },
    (request, reply) => {
      const { id } = request.params;
      const { status } = checkFields({ status: checkPrintJobStatus(request.query.status) });
      refuseBody(request.body);
      if (!checkId(id).ok) throw notFound('print_job', id);
      return submitChange(context, request, reply, { kind: 'change_print_job_status', id, status });
    },
  );
}

function listingFor(query: PrintJobListQueryString): Listing<PrintJob> {
  const { status, printer_id, filament_id } = checkFields({
    status: optional(query.status, checkPrintJobStatus),
    printer_id: optional(query.printer_id, checkId),
    filament_id: optional(query.filament_id, checkId),
  });
  const given = Object.entries({ status, printer_id, filament_id }).filter(
    ([, value]) => value !== undefined,
  );
  const listing = { path: PATH, collection: PRINT_JOB_PREFIX, present: presentPrintJob };
  if (given.length === 0) {
    return { ...listing, scan: (reader, options) => everyRow(listPrintJobs(reader, options)) };
  }
  const filters = { status, printerId: printer_id, filamentId: filament_id };
  return {
    ...listing,
    scan: (reader, options) => findPrintJobs(reader, filters, options),
    filters: Object.fromEntries(given) as Record<string, string>,
  };
}

function creationFrom(body: PrintJobBody): Creation {
  const fields = checkFields({
    id: optional(body.id, checkId),
    printer_id: checkId(body.printer_id),
    filament_id: checkId(body.filament_id),
    filepath: checkText(body.filepath, MAX_FILE_PATH_CHARACTERS),
    print_weight_in_grams: checkPositiveGrams(body.print_weight_in_grams),
    status: checkNewStatus(body.status),
  });
  const { id, printer_id: printerId, filament_id: filamentId, filepath: filePath } = fields;
  const weightMilligrams = fields.print_weight_in_grams;
  return {
    id,
    actionFor: (id) => ({
      kind: 'add_print_job',
      printJob: { id, printerId, filamentId, filePath, weightMilligrams },
    }),
  };
}

/** Callers may say what a new job is anyway. */
function checkNewStatus(value: string | undefined): Checked<'Queued'> {
  const checked = checkPrintJobStatus(value ?? 'Queued');
  if (checked.ok && checked.value === 'Queued') return accepted('Queued');
  return rejected(
    'must be Queued or be left out: a new job is always Queued, and changes by POST …/{id}/status',
  );
}

/** The new status stands in the URL; an empty object is what some clients send for no body. */
function refuseBody(body: unknown): void {
  if (body === undefined) return;
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0)
    return;
  throw invalidRequest([
    { field: 'body', message: 'must be left out: the status is given as ?status=Running' },
  ]);
}
