import type { FastifyInstance } from 'fastify';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, printJob, stockShop } from '../testing/app.ts';

const PATH = '/api/v1/print_jobs';

let app: FastifyInstance;

beforeEach(async () => {
  ({ app } = createTestApp());
  await stockShop(app);
});

function post(payload: object) {
  return app.inject({ method: 'POST', url: PATH, payload });
}

function change(id: string, status: string) {
  return app.inject({ method: 'POST', url: `${PATH}/${id}/status?status=${status}` });
}

async function spool() {
  return (await app.inject('/api/v1/filaments/f')).json();
}

test('a new job is Queued and reserves its grams', async () => {
  const added = await post(printJob('j', 15.25));
  expect(added.statusCode).toBe(201);
  expect(added.headers.location).toBe(`${PATH}/j`);
  expect(added.json()).toEqual({
    ...printJob('j', 15.25),
    status: 'Queued',
    created_at: '2023-11-14T22:13:20.000Z',
    updated_at: '2023-11-14T22:13:20.000Z',
  });
  expect(await spool()).toMatchObject({
    remaining_weight_in_grams: 1_000,
    reserved_weight_in_grams: 15.25,
    available_weight_in_grams: 984.75,
  });
});

test('a job runs and is done, in any spelling, and takes its grams once', async () => {
  await post(printJob('j', 15));
  expect((await change('j', 'running')).json()).toMatchObject({ status: 'Running' });
  const done = await change('j', 'DONE');
  expect(done.statusCode).toBe(200);
  expect(done.json()).toMatchObject({ id: 'j', status: 'Done' });
  const again = await change('j', 'Done');
  expect(again.statusCode).toBe(409);
  expect(again.json()).toMatchObject({ code: 'invalid_transition', from: 'Done', to: 'Done', allowed: [] });
  expect(await spool()).toMatchObject({ remaining_weight_in_grams: 985, reserved_weight_in_grams: 0 });
});

test('Cancelled is taken for Canceled', async () => {
  await post(printJob('j', 15));
  expect((await change('j', 'Cancelled')).json()).toMatchObject({ status: 'Canceled' });
});

test('a refusal of a job that is too heavy gives the weights in grams', async () => {
  await post(printJob('first', 600));
  const refused = await post(printJob('second', 400.001));
  expect(refused.statusCode).toBe(409);
  expect(refused.json()).toMatchObject({
    code: 'insufficient_filament',
    filament_id: 'f',
    remaining: 1_000,
    reserved: 600,
    available: 400,
    asked: 400.001,
  });
});

test('of two jobs that race for the last grams exactly one is taken', async () => {
  const answers = await Promise.all([post(printJob('a', 600)), post(printJob('b', 600))]);
  expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409]);
  expect(await spool()).toMatchObject({ reserved_weight_in_grams: 600 });
});

test('a job for an unknown printer or spool is refused with 422', async () => {
  const noPrinter = await post({ ...printJob('j', 1), printer_id: 'none' });
  expect([noPrinter.statusCode, noPrinter.json().code]).toEqual([422, 'unknown_printer']);
  const noFilament = await post({ ...printJob('j', 1), filament_id: 'none' });
  expect([noFilament.statusCode, noFilament.json().code]).toEqual([422, 'unknown_filament']);
});

test('a second job of an id is refused', async () => {
  await post(printJob('j', 1));
  const second = await post(printJob('j', 1));
  expect([second.statusCode, second.json().code]).toEqual([409, 'already_exists']);
});

test('a caller may say Queued, and no other status', async () => {
  expect((await post({ ...printJob('a', 1), status: 'queued' })).statusCode).toBe(201);
  const refused = await post({ ...printJob('b', 1), status: 'Running' });
  expect(refused.statusCode).toBe(400);
  expect(refused.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: 'status' }] });
});

test.each([
  [{ print_weight_in_grams: 0 }, 'print_weight_in_grams'],
  [{ print_weight_in_grams: 0.0001 }, 'print_weight_in_grams'],
  [{ filepath: '' }, 'filepath'],
  [{ filepath: 'x'.repeat(4_097) }, 'filepath'],
  [{ filepath: 'a\u0000b' }, 'filepath'],
  [{ printer_id: '' }, 'printer_id'],
  [{ filament_id: true }, 'filament_id'],
  [{ id: null }, 'id'],
])('%j is refused, naming the field', async (change, field) => {
  const answer = await post({ ...printJob('j', 1), ...change });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
});

test.each([
  '',
  '?status=',
  '?status=Paused',
  '?status=Running&status=Done',
  '?status=Running&x=1',
  '?status=%ff',
])('a change to %j is refused', async (query) => {
  await post(printJob('j', 1));
  const answer = await app.inject({ method: 'POST', url: `${PATH}/j/status${query}` });
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request']);
  expect((await app.inject(`${PATH}/j`)).json()).toMatchObject({ status: 'Queued' });
});

test('a change of an unknown job is 404', async () => {
  expect((await change('none', 'Running')).statusCode).toBe(404);
  expect((await change('x'.repeat(129), 'Running')).statusCode).toBe(404);
});

test('a change takes no body, or an empty one of any type', async () => {
  const url = `${PATH}/j/status?status=Running`;
  const bodies = [
    { headers: { 'content-length': '0' } },
    { headers: { 'content-length': '0', 'content-type': 'application/x-www-form-urlencoded' } },
    { headers: { 'content-type': 'application/json' }, payload: '' },
    { payload: {} },
  ];
  for (const [index, body] of bodies.entries()) {
    const id = `j${index}`;
    await post(printJob(id, 1));
    const answer = await app.inject({ method: 'POST', url: url.replace('/j/', `/${id}/`), ...body });
    expect(answer.statusCode).toBe(200);
  }
  await post(printJob('j', 1));
  const refused = await app.inject({ method: 'POST', url, payload: { status: 'Running' } });
  expect([refused.statusCode, refused.json().errors]).toMatchObject([400, [{ field: 'body' }]]);
});

test('jobs are listed by status, printer and filament', async () => {
  for (const id of ['a', 'b', 'c']) await post(printJob(id, 1));
  await change('b', 'Running');
  const ids = async (query: string) =>
    (await app.inject(`${PATH}${query}`)).json().map(({ id }: { id: string }) => id);
  expect(await ids('')).toEqual(['a', 'b', 'c']);
  expect(await ids('?status=queued')).toEqual(['a', 'c']);
  expect(await ids('?status=running&printer_id=p&filament_id=f')).toEqual(['b']);
  expect(await ids('?printer_id=none')).toEqual([]);
  expect((await app.inject(`${PATH}?status=Paused`)).statusCode).toBe(400);
});
