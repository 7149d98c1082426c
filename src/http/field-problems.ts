// What is wrong with which field, in words that say what to send instead.

import type { Checked } from '../farm/model/checked.ts';

export interface FieldProblem {
  /** A field of the body, a query parameter or a header, by its name; `body` for the whole. */
  readonly field: string;
  /** Completes the sentence '<field> …'. */
  readonly message: string;
}

/** An error says enough with so many fields; a hostile body has thousands. */
export const MAX_FIELD_PROBLEMS = 20;

/** The part of Ajv's error objects that is read here (with its option `verbose`). */
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

/** Is this what Fastify throws when a compiled schema does not fit? */
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

/** Either every field in the form that the farm keeps, or every problem at once. */
export type CheckedFields<T> =
  | { readonly ok: true; readonly fields: T }
  | { readonly ok: false; readonly problems: FieldProblem[] };

/** Takes one check a field, under the name that the caller knows the field by. */
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
