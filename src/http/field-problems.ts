// Fields at fault, each with a message that says what to send instead.

import { type FieldProblem, MAX_FIELD_PROBLEMS } from '../api/problems.ts';

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

/** Returns the fields at fault if Fastify threw this because a request does not fit its compiled schema. */
export function fieldProblemsOf(error: unknown): FieldProblem[] {
  const { validation, validationContext = '' } = (error ?? {}) as Partial<SchemaError>;
  if (!Array.isArray(validation)) return [];
  return validation
    .slice(0, MAX_FIELD_PROBLEMS)
    .map((one: SchemaProblem) => describe(one, validationContext));
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
