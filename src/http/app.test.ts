import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestApp, printJob, stockShop } from './testing/app.ts';

const PRINTERS = '/api/v1/printers';
const JSON_TYPE = { 'content-type': 'application/json' };

test.each([
  ['GET', '/'],
  ['GET', '/api/v1/spools'],
  ['POST', '/api/v1/printers/a/b'],
  ['DELETE', '/cluster'],
] as const)('%s %s: unknown path', async (method, url) => {
  const { app } = createTestApp();
  const answer = await app.inject({ method, url });
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown_path']);
});

test.each([
  ['DELETE', PRINTERS, 'GET, HEAD, POST'],
  ['PUT', `${PRINTERS}/a`, 'GET, HEAD'],
  ['GET', '/api/v1/print_jobs/j/status?status=Done', 'POST'],
  ['GET', '/join', 'POST'],
  ['POST', '/cluster/servers?id=a', 'DELETE'],
  ['OPTIONS', '/cluster/status', 'GET, HEAD'],
] as const)('%s %s: wrong method, with what is allowed', async (method, url, allow) => {
  const { app } = createTestApp();
  const answer = await app.inject({ method, url });
  expect([answer.statusCode, answer.json().code]).toEqual([405, 'method_not_allowed']);
  expect(answer.headers.allow).toBe(allow);
});

test('an unknown path is 404, whatever the body and its type', async () => {
  const { app } = createTestApp();
  const answer = await app.inject({
    method: 'POST',
    url: '/nothing',
    payload: '<a/>',
    headers: { 'content-type': 'text/xml' },
  });
  expect(answer.statusCode).toBe(404);
});

test.each([
  ['', 400, 'invalid_request'],
  ['{', 400, 'malformed_json'],
  ['{"id":1}}', 400, 'malformed_json'],
  ['null', 400, 'invalid_request'],
  ['[]', 400, 'invalid_request'],
  ['"text"', 400, 'invalid_request'],
  // Valid JSON except for one byte that is not UTF-8.
  [Buffer.from('{"company":"\xff","model":"b"}', 'latin1'), 400, 'malformed_json'],
  [' '.repeat(1024 * 1024 + 1), 413, 'body_too_large'],
  ['['.repeat(500_000), 400, 'malformed_json'],
  [
    JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [index, 1]))),
    400,
    'invalid_request',
  ],
  ['{"company":"a","model":"b","__proto__":{"id":"c"}}', 400, 'invalid_request'],
  ['{"company":"a","model":"b","constructor":{"prototype":{}}}', 400, 'invalid_request'],
  ['{"company":"a","model":"\\ud800"}', 400, 'invalid_request'],
] as const)('a body that begins with %.20j is answered %i %s', async (payload, status, code) => {
  const { app, engine } = createTestApp();
  const answer = await app.inject({ method: 'POST', url: PRINTERS, payload, headers: JSON_TYPE });
  expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  expect(engine.proposals).toBe(0);
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'nonsense', '/'])(
  'a body of type %s is answered 415',
  async (type) => {
    const { app } = createTestApp();
    const payload = '{"company":"a","model":"b"}';
    const answer = await app.inject({
      method: 'POST',
      url: PRINTERS,
      payload,
      headers: { 'content-type': type },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported_media_type']);
  },
);

test('a refusal names every field at fault and says what it must be', async () => {
  const { app } = createTestApp();
  const answer = await app.inject({
    method: 'POST',
    url: PRINTERS,
    payload: { id: true, company: 3, owner: 'me' },
  });
  expect(answer.json()).toEqual({
    type: 'urn:raft3d:problem:invalid_request',
    title: 'The request is not in the form of this call',
    status: 400,
    detail: 'model is required (and 3 more in errors).',
    code: 'invalid_request',
    errors: [
      { field: 'model', message: 'is required' },
      { field: 'owner', message: 'is not known here: this call takes id, company, model' },
      { field: 'id', message: 'must be a string or a number' },
      { field: 'company', message: 'must be a string' },
    ],
  });
});

test('unknown query parameters are refused on every call', async () => {
  const { app } = createTestApp();
  const calls = [
    ['GET', PRINTERS],
    ['GET', `${PRINTERS}/a`],
    ['POST', PRINTERS],
    ['GET', '/api/v1/filaments'],
    ['POST', '/api/v1/filaments'],
    ['GET', '/api/v1/print_jobs'],
    ['POST', '/api/v1/print_jobs'],
    ['POST', '/api/v1/print_jobs/a/status'],
    ['GET', '/cluster/status'],
    ['POST', '/join'],
    ['DELETE', '/cluster/servers'],
  ] as const;
  for (const [method, url] of calls) {
    const payload = method === 'POST' && !url.endsWith('status') ? validBodies[url] : undefined;
    const answer = await app.inject({ method, url: `${url}?verbose=1`, ...(payload && { payload }) });
    expect([url, answer.statusCode]).toEqual([url, 400]);
    expect(answer.json().errors).toContainEqual({
      field: 'verbose',
      message: expect.stringContaining('is not known here'),
    });
  }
});

const validBodies: Readonly<Record<string, object>> = {
  [PRINTERS]: { company: 'a', model: 'b' },
  '/api/v1/filaments': { type: 'PLA', color: 'Red', total_weight_in_grams: 1 },
  '/api/v1/print_jobs': printJob('j', 1),
  '/join': { node_id: 'n', addr: 'a:1' },
};

test('no odd body and no odd query causes a 5xx', async () => {
  const { app, internalErrors } = createTestApp();
  await stockShop(app);
  const fields = [
    'id',
    'company',
    'model',
    'type',
    'color',
    'total_weight_in_grams',
    'printer_id',
    'filament_id',
  ];
  const aBody = fc.dictionary(fc.constantFrom(...fields, 'filepath', 'status', '__proto__'), fc.jsonValue());
  const aPath = fc.constantFrom('/api/v1/printers', '/api/v1/filaments', '/api/v1/print_jobs', '/join');
  await fc.assert(
    fc.asyncProperty(
      aPath,
      fc.oneof(aBody, fc.jsonValue()),
      fc.webQueryParameters(),
      async (url, body, query) => {
        const payload = JSON.stringify(body);
        const posted = await app.inject({ method: 'POST', url, payload, headers: JSON_TYPE });
        expect(posted.statusCode).toBeLessThan(500);
        const got = await app.inject(`${url}?${query}`);
        expect(got.statusCode).toBeLessThan(500);
      },
    ),
    { numRuns: 200 },
  );
  expect(internalErrors).toEqual([]);
});

test.each([...Object.keys(validBodies), '/api/v1/print_jobs/j/status?status=Running'])(
  'a body of %s that is nested too deep for JSON.stringify is refused',
  async (url) => {
    const { app, internalErrors } = createTestApp();
    await stockShop(app);
    await app.inject({ method: 'POST', url: '/api/v1/print_jobs', payload: printJob('j', 1) });
    const deep = '['.repeat(250_000) + ']'.repeat(250_000);
    for (const payload of [deep, `{"id":${deep}}`, `{"node_id":${deep},"company":${deep}}`]) {
      const { statusCode } = await app.inject({ method: 'POST', url, payload, headers: JSON_TYPE });
      expect(statusCode).toBe(400);
    }
    expect(internalErrors).toEqual([]);
  },
);

test('an internal error is a 500 that hides the details from the caller and reports them to the process', async () => {
  const { app, engine, internalErrors, logLines } = createTestApp();
  const error = new Error('secret detail');
  engine.stateError = error;
  const answer = await app.inject(PRINTERS);
  expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal_error']);
  expect(answer.body).not.toContain('secret');
  expect(internalErrors).toEqual([error]);
  expect(logLines.some(({ level, fields }) => level === 'error' && fields?.error === error)).toBe(true);
});

test('every request writes one debug line with its status and duration', async () => {
  const { app, logLines } = createTestApp();
  await app.inject(PRINTERS);
  await app.inject('/nothing');
  const requests = logLines.filter(({ message }) => message === 'request');
  expect(requests.map(({ level, fields }) => [level, fields?.method, fields?.url, fields?.status])).toEqual([
    ['debug', 'GET', PRINTERS, 200],
    ['debug', 'GET', '/nothing', 404],
  ]);
  for (const { fields } of requests) expect(fields?.durationMs).toEqual(expect.any(Number));
});
