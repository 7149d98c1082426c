import { expect, test } from 'vitest';
import type { Trouble } from '../engines/testing/troubled-engine.ts';
import { createTestApp, printJob, stockShop } from './testing/app.ts';

const PRINTERS = '/api/v1/printers';
const PRINTER = { company: 'Prusa', model: 'MK4' };

test.each([
  ['no-leader', 503, 'no_leader', '1'],
  ['too-busy', 503, 'too_busy', '1'],
  ['disk-full', 503, 'disk_full', '30'],
  ['stopped', 503, 'stopping', '5'],
  ['unknown', 504, 'outcome_unknown', undefined],
  ['too-large', 413, 'body_too_large', undefined],
] as const)(
  'a write while the engine is in trouble (%s) answers %i %s',
  async (trouble, status, code, retryAfter) => {
    const { app, engine } = createTestApp();
    engine.trouble = trouble satisfies Trouble;
    const answer = await app.inject({ method: 'POST', url: PRINTERS, payload: PRINTER });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(answer.json()).toMatchObject({ code, status, type: `urn:raft3d:problem:${code}` });
  },
);

test('an unknown outcome says how to retry safely', async () => {
  const { app, engine } = createTestApp();
  engine.trouble = 'unknown';
  const answer = await app.inject({ method: 'POST', url: PRINTERS, payload: PRINTER });
  expect(answer.json().detail).toContain('Retry with the same Idempotency-Key');
});

test('after an unknown outcome a retry through another node learns the outcome and adds nothing', async () => {
  const one = createTestApp();
  const other = createTestApp(one.engine, 'node2');
  const request = {
    method: 'POST',
    url: PRINTERS,
    payload: PRINTER,
    headers: { 'idempotency-key': 'k' },
  } as const;
  one.engine.trouble = 'unknown';
  expect((await one.app.inject(request)).statusCode).toBe(504);
  one.engine.trouble = undefined;
  const retried = await other.app.inject(request);
  expect(retried.statusCode).toBe(201);
  expect(retried.json()).toEqual({ ...PRINTER, id: 'node1-minted-1' });
  expect(retried.headers.location).toBe(`${PRINTERS}/node1-minted-1`);
  expect((await other.app.inject(PRINTERS)).json()).toHaveLength(1);
});

test('a status change with a key happens once, and its retry gets the same answer', async () => {
  const { app } = createTestApp();
  await stockShop(app);
  await app.inject({ method: 'POST', url: '/api/v1/print_jobs', payload: printJob('j', 1) });
  const run = {
    method: 'POST',
    url: '/api/v1/print_jobs/j/status?status=Running',
    headers: { 'idempotency-key': 'run-j' },
  } as const;
  const first = await app.inject(run);
  await app.inject({ method: 'POST', url: '/api/v1/print_jobs/j/status?status=Done' });
  const retried = await app.inject(run);
  expect([retried.statusCode, retried.body]).toEqual([200, first.body]);
});

test('a key recognises its request in another spelling', async () => {
  const { app } = createTestApp();
  const headers = { 'idempotency-key': 'k' };
  const filament = { id: 7, type: 'pla', color: 'Red', total_weight_in_grams: 10 };
  const first = await app.inject({ method: 'POST', url: '/api/v1/filaments', payload: filament, headers });
  const payload = { total_weight_in_grams: 10, type: ' PLA', color: 'Red', id: '7' };
  const again = await app.inject({ method: 'POST', url: '/api/v1/filaments', payload, headers });
  expect([again.statusCode, again.body]).toEqual([201, first.body]);
});

test('a key that comes with another request is refused', async () => {
  const { app } = createTestApp();
  const headers = { 'idempotency-key': 'k' };
  await app.inject({ method: 'POST', url: PRINTERS, payload: PRINTER, headers });
  for (const payload of [
    { ...PRINTER, model: 'XL' },
    { ...PRINTER, id: 'a' },
  ]) {
    const answer = await app.inject({ method: 'POST', url: PRINTERS, payload, headers });
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'idempotency_key_reused']);
  }
  expect((await app.inject(PRINTERS)).json()).toHaveLength(1);
});

test.each(['', 'two words', 'ü', 'x'.repeat(256)])('%j is no idempotency key, on any write', async (key) => {
  const { app, engine } = createTestApp();
  const headers = { 'idempotency-key': key };
  const writes = [
    { method: 'POST', url: PRINTERS, payload: PRINTER },
    { method: 'POST', url: '/api/v1/print_jobs/j/status?status=Done' },
    { method: 'POST', url: '/join', payload: { node_id: 'n', addr: 'a:1' } },
    { method: 'DELETE', url: '/cluster/servers?id=n' },
  ] as const;
  for (const write of writes) {
    const answer = await app.inject({ ...write, headers });
    expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: 'Idempotency-Key' }] });
  }
  expect([engine.proposals, engine.memberChanges]).toEqual([0, []]);
});
