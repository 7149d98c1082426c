import { expect, test } from 'vitest';
import { type CheckedAnswer, checkAnswer } from './contract-check.ts';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const PROBLEM_TYPE = { 'content-type': 'application/problem+json' };
const PRINTER = { id: 'a', company: 'Prusa', model: 'MK4' };
const NO_LEADER = {
  type: 'urn:raft3d:problem:no_leader',
  title: 'The cluster has no leader now',
  status: 503,
  detail: 'Retry soon.',
  code: 'no_leader',
};

function answer({
  request,
  status,
  headers,
  body,
}: {
  request: string;
  status: number;
  headers: Record<string, string>;
  body?: unknown;
}): CheckedAnswer {
  const [method = '', url = ''] = request.split(' ');
  const text = body === undefined ? '' : JSON.stringify(body);
  return { method, url, status, headers: new Headers(headers), text };
}

const CREATED = {
  request: 'POST /api/v1/printers',
  status: 201,
  headers: { ...JSON_TYPE, location: '/api/v1/printers/a' },
  body: PRINTER,
};
const REFUSED = {
  request: 'GET http://127.0.0.1:1/api/v1/printers/a?consistency=stale',
  status: 503,
  headers: { ...PROBLEM_TYPE, 'retry-after': '1' },
  body: NO_LEADER,
};

test.each([
  ['a resource', CREATED],
  ['a problem', REFUSED],
  ['a list', { request: 'GET /api/v1/printers/', status: 200, headers: JSON_TYPE, body: [PRINTER] }],
  ['a list that did not change', { request: 'GET /api/v1/printers', status: 304, headers: { etag: '"a"' } }],
  ['an answer to HEAD', { request: 'HEAD /api/v1/printers/a', status: 200, headers: JSON_TYPE }],
])('%s fits the contract', (_, fitting) => {
  expect(() => checkAnswer(answer(fitting))).not.toThrow();
});

test.each([
  ['an unknown operation', { ...CREATED, request: 'POST /api/v1/spools' }, 'not declared'],
  ['an undeclared status', { ...CREATED, status: 202 }, 'no status 202'],
  ['a missing field', { ...CREATED, body: { ...PRINTER, model: undefined } }, "'model'"],
  ['an undeclared field', { ...CREATED, body: { ...PRINTER, owner: 'me' } }, '"owner"'],
  ['a field of another type', { ...CREATED, body: { ...PRINTER, model: 4 } }, '/model must be string'],
  ['a missing header', { ...CREATED, headers: JSON_TYPE }, 'Location is missing'],
  [
    'an undeclared header',
    { ...CREATED, headers: { ...CREATED.headers, etag: '"a"' } },
    'etag is not declared',
  ],
  [
    'another content type',
    { ...CREATED, headers: { ...CREATED.headers, 'content-type': 'text/html' } },
    'text/html',
  ],
  ['a problem without Retry-After', { ...REFUSED, headers: PROBLEM_TYPE }, 'Retry-After is missing'],
  [
    'a header of another type',
    { ...REFUSED, headers: { ...PROBLEM_TYPE, 'retry-after': 'soon' } },
    'retry-after',
  ],
  ['an undeclared problem', { ...REFUSED, body: { ...NO_LEADER, code: 'disk_full' } }, '/code'],
  ['a problem with a wrong title', { ...REFUSED, body: { ...NO_LEADER, title: 'Oops' } }, '/title'],
])('%s breaks the contract', (_, broken, difference) => {
  expect(() => checkAnswer(answer(broken))).toThrow(difference);
});
