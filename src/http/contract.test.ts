import { expect, test } from 'vitest';
import { OPERATIONS, type Operation, UNROUTED_PROBLEMS } from '../api/operations.ts';
import { PROBLEM_CODES } from '../api/problems.ts';
import { createTestApp } from './testing/app.ts';

const ALL: readonly Operation[] = Object.values(OPERATIONS);

/** Reads the tree that Fastify prints: a line has its part of the path and the methods there. */
function printedRoutes(tree: string): string[] {
  const parents: string[] = [];
  return tree
    .split('\n')
    .filter((line) => line.includes('── '))
    .flatMap((line) => {
      const [indent = '', rest = ''] = line.split('── ');
      const [part = '', methods = ''] = rest.split(' (');
      const depth = (indent.length - 1) / 4;
      parents.length = depth;
      parents[depth] = part;
      return methods
        .replace(')', '')
        .split(', ')
        .map((method) => `${method} ${parents.join('')}`);
    });
}

test('the list has every route of the app, and the app every operation of the list', async () => {
  const { app } = createTestApp();
  await app.ready();
  const declared = ALL.flatMap(({ method, path }) => {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
    return method === 'GET' ? [`GET ${url}`, `HEAD ${url}`] : [`${method} ${url}`];
  });
  expect(printedRoutes(app.printRoutes({ commonPrefix: false })).sort()).toEqual(declared.sort());
});

test('every problem is declared by an operation, or for requests that reach none', () => {
  const declared = new Set([...ALL.flatMap(({ problems }) => problems), ...UNROUTED_PROBLEMS]);
  expect([...declared].sort()).toEqual([...PROBLEM_CODES].sort());
});

test('GET /openapi.json answers with the document', async () => {
  const { app } = createTestApp();
  const answer = await app.inject('/openapi.json');
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    'application/json; charset=utf-8',
  ]);
  expect(answer.json()).toMatchObject({ openapi: '3.1.0', info: { title: 'Raft3D', version: '0.0.0-test' } });
});
