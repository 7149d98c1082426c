// Compares an answer of the API with the OpenAPI document, which clients are given.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { openapi } from '../../src/api/openapi.ts';

export interface CheckedAnswer {
  readonly method: string;
  /** Absolute, or a path with its query. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface HeaderObject {
  readonly required?: boolean;
  readonly schema: { readonly type?: unknown };
}

interface ResponseObject {
  readonly headers?: Readonly<Record<string, HeaderObject>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

type Responses = Readonly<Record<string, ResponseObject>>;

interface Route {
  readonly method: string;
  readonly path: string;
  readonly pattern: RegExp;
  readonly responses: Responses;
}

const DOCUMENT = 'contract';
const UNROUTED = 'components/responses/Unrouted';
/** Headers that the contract must declare. Others belong to HTTP itself. */
const DECLARED_HEADERS = ['location', 'link', 'etag', 'cache-control', 'retry-after', 'allow'];

class Contract {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #routes: readonly Route[];
  readonly #unrouted: ResponseObject;

  constructor() {
    const document = closed(openapi('0.0.0')) as ReturnType<typeof openapi>;
    addFormatsModule.default(this.#ajv);
    this.#ajv.addSchema(document, DOCUMENT);
    this.#unrouted = document.components.responses.Unrouted as ResponseObject;
    this.#routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
        responses: (operation as { responses: Responses }).responses,
      })),
    );
  }

  /** Throws an error that lists every difference. */
  check(answer: CheckedAnswer): void {
    const differences = this.#differences(answer);
    if (differences.length === 0) return;
    const { method, url, status, text } = answer;
    throw new Error(
      `${method} ${url} answered ${status} ${text.slice(0, 500)}, which breaks the contract:\n${differences.join('\n')}`,
    );
  }

  #differences({ method, url, status, headers, text }: CheckedAnswer): string[] {
    const { pathname } = new URL(url, 'http://node');
    const asked = method === 'HEAD' ? 'GET' : method;
    const route = this.#routes.find((one) => one.method === asked && one.pattern.test(pathname));
    const response = route === undefined ? this.#unrouted : route.responses[status];
    if (response === undefined) return [`no status ${status} is declared`];
    const place =
      route === undefined
        ? UNROUTED
        : `paths/${escaped(route.path)}/${asked.toLowerCase()}/responses/${status}`;
    const differences = this.#headerDifferences(headers, response, place);
    if (method !== 'HEAD') differences.push(...this.#bodyDifferences({ headers, text }, response, place));
    return differences;
  }

  #headerDifferences(headers: Headers, { headers: declared = {} }: ResponseObject, place: string): string[] {
    const names = new Map(Object.keys(declared).map((name) => [name.toLowerCase(), name]));
    const found = [...headers].filter(
      ([name]) => DECLARED_HEADERS.includes(name) || name.startsWith('raft3d-'),
    );
    const missing = Object.entries(declared)
      .filter(([name, { required }]) => required === true && !headers.has(name))
      .map(([name]) => `the header ${name} is missing`);
    const wrong = found.flatMap(([name, text]) => {
      const declaredName = names.get(name);
      const header = declaredName === undefined ? undefined : declared[declaredName];
      if (declaredName === undefined || header === undefined) return [`the header ${name} is not declared`];
      const value = header.schema.type === 'integer' ? Number(text) : text;
      return this.#schemaDifferences(`${place}/headers/${declaredName}/schema`, value).map(
        (difference) => `the header ${name}: ${difference}`,
      );
    });
    return [...missing, ...wrong];
  }

  #bodyDifferences(
    { headers, text }: Pick<CheckedAnswer, 'headers' | 'text'>,
    { content }: ResponseObject,
    place: string,
  ): string[] {
    if (content === undefined) return text === '' ? [] : ['no body is declared'];
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    if (!Object.hasOwn(content, type)) return [`no content of type ${type} is declared`];
    return this.#schemaDifferences(`${place}/content/${escaped(type)}/schema`, JSON.parse(text));
  }

  #schemaDifferences(place: string, value: unknown): string[] {
    const validate =
      this.#validators.get(place) ?? this.#ajv.compile({ $ref: `${DOCUMENT}#/${encodeURI(place)}` });
    this.#validators.set(place, validate);
    validate(value);
    return (validate.errors ?? []).map(({ instancePath, message = '', params }) => {
      return `${instancePath} ${message} ${JSON.stringify(params)}`;
    });
  }
}

/**
 * Forbids members that a schema does not declare: clients may ignore such a member, the server may not add
 * it.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = copy.type === 'object' && 'properties' in copy && !('additionalProperties' in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

/** As a part of a JSON pointer. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

let contract: Contract | undefined;

/** Throws when the contract does not declare the answer's status, headers or body for this request. */
export function checkAnswer(answer: CheckedAnswer): void {
  contract ??= new Contract();
  contract.check(answer);
}
