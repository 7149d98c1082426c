// Request bodies from the API's own schemas: valid ones, and ones with wrong parts.

import fc from 'fast-check';
import { OPERATIONS } from '../../src/api/operations.ts';
import { longTexts, numberTexts, oddTexts } from './odd-text.ts';

/** A placeholder for the batch's unique prefix of the same length. It is replaced when the bytes are sent. */
export const PREFIX = 'zqzqzqzq';

export interface Body {
  readonly collection: 'printers' | 'filaments' | 'print_jobs' | 'join';
  /** Like JSON, but keys may occur twice, and numbers may have any form. */
  readonly text: string;
  /** The API must accept its form. */
  readonly isValid: boolean;
}

type Pairs = readonly (readonly [key: string, value: string])[];
type Collection = Body['collection'];

const json = (value: unknown): string => JSON.stringify(value);
const idOf = (letter: string, count: number): fc.Arbitrary<string> =>
  fc.nat({ max: count - 1 }).map((number) => json(`${PREFIX}${letter}${number}`));
const goodTexts = fc
  .constantFrom('Prusa', 'MK4', 'a b', 'Ünï', '\ud83d\ude00', 'e\u0301', 'x'.repeat(60))
  .map(json);
const goodGrams = fc.nat({ max: 2_000_000 }).map((milligrams) => String((milligrams + 1) / 1_000));

/** Valid values for every field of the schemas. */
const GOOD: Readonly<Record<Collection, Readonly<Record<string, fc.Arbitrary<string>>>>> = {
  printers: { id: idOf('p', 2), company: goodTexts, model: goodTexts },
  filaments: {
    id: idOf('f', 2),
    type: fc.constantFrom('PLA', 'pla', ' Petg ', 'Unobtainium').map(json),
    color: goodTexts,
    total_weight_in_grams: fc.constantFrom('1000', '1e3', '1000.0', '2000.125', '1000000000'),
    remaining_weight_in_grams: fc.constantFrom('1000', '500', '999.999', '0', '-0', '0.0'),
  },
  print_jobs: {
    id: idOf('j', 4),
    printer_id: idOf('p', 2),
    filament_id: idOf('f', 2),
    filepath: goodTexts,
    print_weight_in_grams: fc.oneof(fc.constantFrom('1', '15', '0.001', '400'), goodGrams),
    status: fc.constantFrom('Queued', 'queued').map(json),
  },
  // No node is there: a join that is valid in form must still change nothing.
  join: {
    node_id: fc.constantFrom('node1', 'node9', 'a').map(json),
    addr: fc.constantFrom('127.0.0.1:1', '127.0.0.1:9', '[::1]:1').map(json),
    http_addr: fc.constantFrom('127.0.0.1:2', '127.0.0.1:9').map(json),
  },
};

const SCHEMAS = {
  printers: OPERATIONS.createPrinter.body,
  filaments: OPERATIONS.createFilament.body,
  print_jobs: OPERATIONS.createPrintJob.body,
  join: OPERATIONS.joinCluster.body,
};
const OPTIONAL = new Set(['id', 'remaining_weight_in_grams', 'status', 'http_addr']);

for (const [collection, { properties }] of Object.entries(SCHEMAS)) {
  const missing = Object.keys(properties).filter((field) => !(field in GOOD[collection as Collection]));
  if (missing.length > 0) throw new Error(`no valid values for ${missing.join(', ')} of ${collection}`);
}

function goodPairs(collection: Collection): fc.Arbitrary<Pairs> {
  const fields = Object.entries(GOOD[collection]).map(([field, values]) => {
    const pair = values.map((value) => [json(field), value] as const);
    return OPTIONAL.has(field) && field !== 'id' ? fc.option(pair, { nil: undefined }) : pair;
  });
  return fc.tuple(...fields).map((pairs) => pairs.filter((pair) => pair !== undefined));
}

/** Any JSON, and texts that look like it. No addresses: names must not be looked up on a network. */
const wrongValues: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: oddTexts.map(json) },
  { weight: 1, arbitrary: longTexts.map(json) },
  { weight: 4, arbitrary: numberTexts },
  {
    weight: 3,
    arbitrary: fc.constantFrom('null', 'true', 'false', '[]', '{}', '[[]]', '{"a":1}', '[1]', '""', '["a"]'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '"\\ud800"',
      '"\\u0000"',
      '"\\',
      '"\\x"',
      "'a'",
      '"a\nb"',
      'undefined',
      '',
      '"\\udc00\\ud800"',
    ),
  },
  { weight: 1, arbitrary: fc.nat({ max: 3_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '"__proto__"',
      '{"__proto__":{"id":"x"}}',
      '{"toString":1}',
      '{"valueOf":null}',
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map(json) },
);

const extraKeys = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'reserved_weight_in_grams',
    'created_at',
    'status',
    'id',
    'ID',
    'id ',
    'id\u0000',
    '',
  ),
  oddTexts,
);

type Change =
  | { readonly kind: 'replace' | 'duplicate' | 'lead'; readonly field: number; readonly value: string }
  | { readonly kind: 'remove'; readonly field: number }
  | { readonly kind: 'rename' | 'add'; readonly field: number; readonly key: string; readonly value: string };

const fields = fc.nat({ max: 5 });
const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('replace' as const), field: fields, value: wrongValues }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), field: fields }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('duplicate' as const, 'lead' as const),
      field: fields,
      value: wrongValues,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('rename' as const, 'add' as const),
      field: fields,
      key: extraKeys,
      value: wrongValues,
    }),
  },
);

function changed(pairs: Pairs, change: Change): Pairs {
  const at = Math.min(change.field, pairs.length - 1);
  const [key, value] = pairs[at] ?? ['""', '""'];
  const without = pairs.filter((_, place) => place !== at);
  switch (change.kind) {
    case 'replace':
      return [...without, [key, change.value]];
    case 'remove':
      return without;
    case 'duplicate':
      return [...pairs, [key, change.value]];
    case 'lead':
      return [[key, change.value], ...pairs];
    case 'rename':
      return [...without, [json(change.key), value]];
    case 'add':
      return [...pairs, [json(change.key), change.value]];
  }
}

const textOf = (pairs: Pairs): string => `{${pairs.map(([key, value]) => `${key}:${value}`).join(',')}}`;

const collections = fc.oneof(
  { weight: 2, arbitrary: fc.constant('printers' as const) },
  { weight: 3, arbitrary: fc.constant('filaments' as const) },
  { weight: 4, arbitrary: fc.constant('print_jobs' as const) },
);

export const validBodies: fc.Arbitrary<Body> = collections.chain((collection) =>
  goodPairs(collection).map((pairs) => ({ collection, text: textOf(pairs), isValid: true })),
);

export const spoiltBodies: fc.Arbitrary<Body> = collections.chain((collection) =>
  fc.tuple(goodPairs(collection), fc.array(changes, { minLength: 1, maxLength: 3 })).map(([pairs, list]) => ({
    collection,
    text: textOf(list.reduce(changed, pairs)),
    isValid: false,
  })),
);

/** Joins with addresses of this machine alone: other texts with a port might be looked up. */
export const joinBodies: fc.Arbitrary<Body> = fc
  .tuple(goodPairs('join'), fc.array(changes, { minLength: 1, maxLength: 2 }))
  .map(
    ([pairs, list]): Body => ({
      collection: 'join',
      text: textOf(list.reduce(changed, pairs)),
      isValid: false,
    }),
  )
  .filter(({ text }) => !/"(?!127\.0\.0\.1|\[::1\])[^"]*:\d{1,5}"/.test(text));
