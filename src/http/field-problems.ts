// Fields at fault, each with a message that says what to send instead.

import { type FieldProblem, MAX_FIELD_PROBLEMS } from '../api/problems.ts';
import type { Checked } from '../farm/model/checked.ts';

/** The members of Ajv's error objects (with its option `verbose`) that this file reads. */
interface SchemaProblem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly data?: unknown;
  readonly parentSchema?: { readonly properties?: Readonly<Record<string, unknown>> };
}

interface SchemaError {
  readonly validation: readonly SchemaProblem[];
  readonly validationContext: string;
}

/** Whether Fastify threw this because a request does not fit its compiled schema. */
export function isSchemaError(error: unknown): error is SchemaError {
  return typeof error === 'object' && error !== null && Array.isArray((error as SchemaError).validation);
}

export function fieldProblemsOf({ validation, validationContext }: SchemaError): FieldProblem[] {
  return validation.slice(0, MAX_FIELD_PROBLEMS).map((error) => describe(error, validationContext));
}

function describe(error: SchemaProblem, context: string): FieldProblem {
  const { keyword, params } = error;
  const field = error.instancePath === '' ? context : error.instancePath.slice(1);
  switch (keyword) {
    case 'required':
      return { field: String(params.missingProperty), message: 'is required' };
    case 'additionalProperties': {
      const known = Object.keys(error.parentSchema?.properties ?? {}).join(', ');
      const advice = known === '' ? 'this call takes none' : `this call takes ${known}`;
      return { field: String(params.additionalProperty), message: `is not known here: ${advice}` };
    }
    case 'type':
      return { field, message: describeType(error, context) };
    default:
      return { field, message: error.message ?? 'is not valid' };
  }
}

function describeType({ instancePath, params, data }: SchemaProblem, context: string): string {
  if (context === 'querystring') {
    return Array.isArray(data) ? 'must be given once' : 'must be well-formed percent-encoded UTF-8';
  }
  if (instancePath === '') return 'must be a JSON object, sent as Content-Type: application/json';
  const types = String(params.type).split(',').join(' or a ');
  return `must be a ${types}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** Every field in the form that the farm keeps, or every problem. */
export type CheckedFields<T> =
  | { readonly ok: true; readonly fields: T }
  | { readonly ok: false; readonly problems: FieldProblem[] };

/** Takes the result of one check a field, by the field's name in the request. */
export function gatherFields<T extends Fields>(
  checks: { readonly [K in keyof T]: Checked<T[K]> },
): CheckedFields<T> {
  const problems: FieldProblem[] = [];
  const fields: Record<string, unknown> = {};
  for (const [field, check] of Object.entries(checks) as [string, Checked<unknown>][]) {
    if (check.ok) fields[field] = check.value;
    else problems.push({ field, message: check.problem });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, fields: fields as T };
}
