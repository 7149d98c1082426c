import type { Static } from 'typebox';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type AnswerOf,
  type BodyOf,
  OPERATIONS,
  type Operation,
  type ParamsOf,
  type QueryOf,
} from './operations.ts';
import { PROBLEM_CODES, type Problem } from './problems.ts';
import type { Printer } from './schemas/printer.ts';

const ALL: readonly (readonly [string, Operation])[] = Object.entries(OPERATIONS);

describe('the list of operations', () => {
  test.each(ALL)('%s declares each problem once', (_, { problems }) => {
    expect(problems).toEqual([...new Set(problems)]);
  });

  test.each(ALL)('%s declares the parameters that its path names', (_, { path, params }) => {
    const names = [...path.matchAll(/\{(?<name>\w+)\}/g)].map(({ groups }) => groups?.name);
    expect(Object.keys(params === undefined ? {} : params.properties)).toEqual(names);
  });

  test('no two operations have one method and path', () => {
    const calls = ALL.map(([, { method, path }]) => `${method} ${path}`);
    expect(new Set(calls).size).toBe(calls.length);
  });

  test('every operation that writes says when it may be repeated', () => {
    const keyed = ALL.filter(([, { retry }]) => retry === 'with-idempotency-key');
    for (const [, { headers }] of keyed)
      expect(Object.keys({ ...headers?.properties })).toEqual(['Idempotency-Key']);
  });
});

test('types of requests and answers derive from the list', () => {
  expectTypeOf<QueryOf<'listPrinters'>>().toEqualTypeOf<{
    limit?: number;
    after?: string;
    consistency?: 'stale';
  }>();
  expectTypeOf<QueryOf<'listPrintJobs'>['status']>().toEqualTypeOf<
    'Queued' | 'Running' | 'Done' | 'Canceled' | 'Failed' | undefined
  >();
  expectTypeOf<BodyOf<'createPrinter'>>().toEqualTypeOf<{
    id?: string | number;
    company: string;
    model: string;
  }>();
  expectTypeOf<AnswerOf<'listPrinters'>>().toEqualTypeOf<Static<typeof Printer>[]>();
  expectTypeOf<AnswerOf<'getPrinter'>>().toEqualTypeOf<Static<typeof Printer>>();
  expectTypeOf<ParamsOf<'getPrinter'>>().toEqualTypeOf<{ id: string }>();
  expectTypeOf<ParamsOf<'listPrinters'>>().toEqualTypeOf<undefined>();
  expectTypeOf<BodyOf<'listPrinters'>>().toEqualTypeOf<undefined>();
  expectTypeOf<Problem<'insufficient_filament'>['available']>().toBeNumber();
  expectTypeOf<Problem<'already_exists'>>().toHaveProperty('id').toBeString();
  expect(PROBLEM_CODES).toContain('no_leader');
});
