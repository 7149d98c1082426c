import type { FastifyInstance } from 'fastify';
import type { BodyOf, QueryOf } from '../../api/operations.ts';
import { accepted, type Checked, rejected } from '../../farm/model/checked.ts';
import { checkId } from '../../farm/model/identifier.ts';
import { checkPositiveGrams } from '../../farm/model/milligrams.ts';
import { checkPrintJobStatus } from '../../farm/model/print-job-status.ts';
import { checkText, MAX_FILE_PATH_CHARACTERS } from '../../farm/model/text.ts';
import { findPrintJobs } from '../../farm/queries.ts';
import { addOperation } from '../add-operation.ts';
import { checkFields, optional } from '../check-fields.ts';
import { invalidRequest } from '../error-handler.ts';
import type { Listing } from '../list-answers.ts';
import { type ListContext, listingOfAll, readList, readOne } from '../reads.ts';
import { notFound } from '../refusals.ts';
import { PRINT_JOBS } from '../resources.ts';
import { type Creation, submitChange, submitCreation } from '../submit.ts';

export function addPrintJobRoutes(app: FastifyInstance, context: ListContext): void {
  addOperation(app, 'listPrintJobs', (request, reply) => readList(context, request, reply, listingFor));
  addOperation(app, 'getPrintJob', (request, reply) => readOne(context, PRINT_JOBS, request, reply));
  addOperation(app, 'createPrintJob', (request, reply) =>
    submitCreation(context, PRINT_JOBS, { request, reply }, creationFrom(request.body)),
  );
  addOperation(app, 'changePrintJobStatus', (request) => {
    const { id } = request.params;
    const { status } = checkFields({ status: checkPrintJobStatus(request.query.status) });
    refuseBody(request.body);
    if (!checkId(id).ok) throw notFound('print_job', id);
    return submitChange(context, PRINT_JOBS, request, { kind: 'change_print_job_status', id, status });
  });
}

function listingFor(query: QueryOf<'listPrintJobs'>): Listing {
  const filters = checkFields({
    status: optional(query.status, checkPrintJobStatus),
    printer_id: optional(query.printer_id, checkId),
    filament_id: optional(query.filament_id, checkId),
  });
  const given = Object.entries(filters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  if (given.length === 0) return listingOfAll(PRINT_JOBS);
  const { status, printer_id: printerId, filament_id: filamentId } = filters;
  return {
    ...listingOfAll(PRINT_JOBS),
    filters: Object.fromEntries(given),
    *scan(reader, options) {
      for (const { id, row } of findPrintJobs(reader, { status, printerId, filamentId }, options)) {
        yield { id, text: row && JSON.stringify(PRINT_JOBS.present(row)) };
      }
    },
  };
}

function creationFrom(body: BodyOf<'createPrintJob'>): Creation {
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

/** A caller may give the status that every new job has. */
function checkNewStatus(value: string | undefined): Checked<'Queued'> {
  const checked = checkPrintJobStatus(value ?? 'Queued');
  if (checked.ok && checked.value === 'Queued') return accepted('Queued');
  return rejected(
    'must be Queued or be left out: a new job is always Queued, and changes by POST …/{id}/status',
  );
}

/** The URL gives the new status. Some clients send an empty object for no body. */
function refuseBody(body: unknown): void {
  if (body === undefined) return;
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  if (isObject && Object.keys(body).length === 0) return;
  throw invalidRequest({
    field: 'body',
    message: 'must be left out: the status is given as ?status=Running',
  });
}
