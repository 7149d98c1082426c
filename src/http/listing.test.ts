import { expect, test } from 'vitest';
import type { TroubledEngine } from '../engines/testing/troubled-engine.ts';
import { putFilament } from '../farm/model/filament.ts';
import { putPrintJob } from '../farm/model/print-job.ts';
import { putPrinter } from '../farm/model/printer.ts';
import { LIST_SLICE_ROWS } from './list-answers.ts';
import { MAX_KEPT_BYTES } from './list-cache.ts';
import { createTestApp, createTestEngine } from './testing/app.ts';

const FILAMENT = {
  material: 'PLA',
  color: 'Red',
  totalMilligrams: 1,
  remainingMilligrams: 1,
  reservedMilligrams: 0,
};

function engineWithPrinters(count: number): TroubledEngine {
  const engine = createTestEngine();
  for (let index = 0; index < count; index += 1) {
    putPrinter(engine.rows, { id: idOf(index), company: 'Prusa', model: 'MK4' });
  }
  return engine;
}

function idOf(index: number): string {
  return `p${String(index).padStart(5, '0')}`;
}

function idsOf(body: string): string[] {
  return (JSON.parse(body) as { id: string }[]).map(({ id }) => id);
}

test.each([0, 1, LIST_SLICE_ROWS - 1, LIST_SLICE_ROWS, LIST_SLICE_ROWS + 1, 3 * LIST_SLICE_ROWS])(
  'a list of %i comes whole, in order, as one array',
  async (count) => {
    const { app } = createTestApp(engineWithPrinters(count));
    const answer = await app.inject('/api/v1/printers');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(idsOf(answer.body)).toEqual(Array.from({ length: count }, (_, index) => idOf(index)));
  },
);

test('a long list reads the state one slice at a time', async () => {
  const engine = engineWithPrinters(2 * LIST_SLICE_ROWS + 1);
  const { app } = createTestApp(engine);
  await app.inject('/api/v1/printers');
  // Two more looks read the version before and after, which decide whether the answer may be kept.
  expect(engine.statesAskedFor).toBe(3 + 2);
});

test('an unchanged list is sent from the cache, and answered 304 to a caller that has it', async () => {
  const engine = engineWithPrinters(LIST_SLICE_ROWS + 3);
  const { app } = createTestApp(engine);
  const first = await app.inject('/api/v1/printers');
  const etag = String(first.headers.etag);
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  expect(first.headers['cache-control']).toBe('no-cache');
  engine.statesAskedFor = 0;
  const again = await app.inject('/api/v1/printers?consistency=stale');
  expect([again.body, again.headers.etag]).toEqual([first.body, etag]);
  expect(engine.statesAskedFor).toBe(1);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const headers = { 'if-none-match': known };
    const spared = await app.inject({ url: '/api/v1/printers', headers });
    expect([spared.statusCode, spared.body, spared.headers.etag]).toEqual([304, '', etag]);
  }
});

test('a changed list has another tag', async () => {
  const engine = engineWithPrinters(3);
  const { app } = createTestApp(engine);
  const first = await app.inject('/api/v1/printers?limit=2');
  const url = '/api/v1/printers?limit=2';
  putFilament(engine.rows, { ...FILAMENT, id: 'another collection' });
  const headers = { 'if-none-match': String(first.headers.etag) };
  expect((await app.inject({ url, headers })).statusCode).toBe(304);
  putPrinter(engine.rows, { id: 'a', company: 'Bambu', model: 'X1' });
  const second = await app.inject({ url, headers });
  expect([second.statusCode, idsOf(second.body)]).toEqual([200, ['a', 'p00000']]);
  expect(second.headers.etag).not.toBe(first.headers.etag);
});

test('a list that several callers ask for at the same time is read once', async () => {
  const engine = engineWithPrinters(2 * LIST_SLICE_ROWS + 1);
  const { app } = createTestApp(engine);
  const answers = await Promise.all(Array.from({ length: 5 }, () => app.inject('/api/v1/printers')));
  for (const { body } of answers) expect(idsOf(body)).toHaveLength(2 * LIST_SLICE_ROWS + 1);
  // Three slices, one version for each caller, and one version at the end.
  expect(engine.statesAskedFor).toBe(3 + 5 + 1);
});

test('a list that changes while it is read is not kept, and later callers get the changed list', async () => {
  const engine = engineWithPrinters(LIST_SLICE_ROWS + 1);
  const { app } = createTestApp(engine);
  const early = app.inject('/api/v1/printers');
  await new Promise((resolve) => setImmediate(resolve));
  putPrinter(engine.rows, { id: 'a', company: 'Bambu', model: 'X1' });
  const late = await app.inject('/api/v1/printers');
  expect(idsOf(late.body)[0]).toBe('a');
  await early;
  expect(idsOf((await app.inject('/api/v1/printers')).body)[0]).toBe('a');
});

test('a list too long to be kept is streamed, without a tag', async () => {
  const engine = createTestEngine();
  const filePath = `/${'x'.repeat(1_000)}`;
  const count = Math.ceil(MAX_KEPT_BYTES / 1_000);
  for (let index = 0; index < count; index += 1) {
    const job = {
      printerId: 'p',
      filamentId: 'f',
      filePath,
      weightMilligrams: 1,
      createdAtMs: 0,
      updatedAtMs: 0,
    };
    putPrintJob(engine.rows, { ...job, id: idOf(index), status: 'Queued' });
  }
  const { app } = createTestApp(engine);
  const answer = await app.inject('/api/v1/print_jobs');
  expect(idsOf(answer.body)).toEqual(Array.from({ length: count }, (_, index) => idOf(index)));
  expect(answer.headers.etag).toBeUndefined();
});

test('each page links to the next, and the last page has no link', async () => {
  const { app } = createTestApp(engineWithPrinters(5));
  const seen: string[][] = [];
  let url: string | undefined = '/api/v1/printers?limit=2&consistency=stale';
  while (url !== undefined) {
    const page: { body: string; headers: { link?: unknown } } = await app.inject(url);
    seen.push(idsOf(page.body));
    url = /^<(?<path>[^>]+)>; rel="next"$/.exec(String(page.headers.link))?.groups?.path;
  }
  expect(seen).toEqual([['p00000', 'p00001'], ['p00002', 'p00003'], ['p00004']]);
});

test('a page that ends with the list has no link', async () => {
  const { app } = createTestApp(engineWithPrinters(4));
  expect((await app.inject('/api/v1/printers?limit=4')).headers.link).toBeUndefined();
  expect((await app.inject('/api/v1/printers?limit=3')).headers.link).toBeDefined();
});

test('a link keeps the filters and escapes any id', async () => {
  const engine = createTestEngine();
  for (const id of ['a&b=c', 'ü +%', 'z']) {
    const job = { printerId: 'p&', filamentId: 'f', filePath: '/x', weightMilligrams: 1, createdAtMs: 0 };
    putPrintJob(engine.rows, { ...job, id, status: 'Queued', updatedAtMs: 0 });
  }
  const { app } = createTestApp(engine);
  const first = await app.inject('/api/v1/print_jobs?limit=1&status=queued&printer_id=p%26');
  expect(idsOf(first.body)).toEqual(['a&b=c']);
  const next = /<(?<path>[^>]+)>/.exec(String(first.headers.link))?.groups?.path ?? '';
  const second = await app.inject(next);
  expect(idsOf(second.body)).toEqual(['z']);
  const third = await app.inject(/<(?<path>[^>]+)>/.exec(String(second.headers.link))?.groups?.path ?? '');
  expect(idsOf(third.body)).toEqual(['ü +%']);
});

test('a filter finds rows that lie several slices apart', async () => {
  const engine = createTestEngine();
  const count = 2 * LIST_SLICE_ROWS + 10;
  for (let index = 0; index < count; index += 1) {
    const isFirstOrLast = index === 0 || index === count - 1;
    const job = { filamentId: 'f', filePath: '/x', weightMilligrams: 1, createdAtMs: 0 };
    putPrintJob(engine.rows, {
      ...job,
      id: idOf(index),
      printerId: isFirstOrLast ? 'q' : 'p',
      status: isFirstOrLast ? 'Failed' : 'Done',
      updatedAtMs: 0,
    });
  }
  const { app } = createTestApp(engine);
  // The filament's index holds all jobs, these two among them.
  for (const query of ['?status=Failed', '?status=Failed&limit=2', '?filament_id=f&printer_id=q']) {
    const answer = await app.inject(`/api/v1/print_jobs${query}`);
    expect(idsOf(answer.body)).toEqual([idOf(0), idOf(count - 1)]);
    expect(answer.headers.link).toBeUndefined();
  }
  const first = await app.inject('/api/v1/print_jobs?status=Failed&limit=1');
  expect(first.headers.link).toBe(`</api/v1/print_jobs?status=Failed&limit=1&after=${idOf(0)}>; rel="next"`);
  expect((await app.inject('/api/v1/print_jobs?status=Canceled')).body).toBe('[]');
});

test.each(['0', '1001', '-1', '1.5', 'ten', '', '%00'])('limit=%s is refused', async (limit) => {
  const { app } = createTestApp();
  const answer = await app.inject(`/api/v1/printers?limit=${limit}`);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ errors: [{ field: 'limit' }] });
});
