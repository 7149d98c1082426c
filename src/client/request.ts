// The types of a call, derived from the contract, and its URL.

import type { AnswerOf, BodyOf, OperationId, ParamsOf, QueryOf } from '../api/operations.ts';

/** Left out where the operation has no such part, optional where every field of the part is. */
type Part<Name extends string, Value> = [Value] extends [undefined]
  ? unknown
  : object extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value };

/** The parts that an operation takes: `params` (in its path), `query` and `body`. */
export type RequestOf<Id extends OperationId> = Part<'params', ParamsOf<Id>> &
  Part<'query', QueryOf<Id>> &
  Part<'body', BodyOf<Id>>;

/** Operations that answer with an array of rows, page by page. */
export type ListId = {
  [Id in OperationId]: AnswerOf<Id> extends readonly unknown[] ? Id : never;
}[OperationId];

export type RowOf<Id extends ListId> = AnswerOf<Id> extends readonly (infer Row)[] ? Row : never;

export interface AnyRequest {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** Path and query of a call, relative to the node's address. */
export function targetOf(path: string, { params = {}, query = {} }: AnyRequest): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? filled : `${filled}?${search}`;
}
