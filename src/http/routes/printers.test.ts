import { expect, test } from 'vitest';
import { createTestApp } from '../testing/app.ts';

const PRINTER = { id: 'printer1', company: 'Prusa', model: 'MK3S+' };

test('an added printer is answered with its Location, and can be read', async () => {
  const { app } = createTestApp();
  const added = await app.inject({ method: 'POST', url: '/api/v1/printers', payload: PRINTER });
  expect(added.statusCode).toBe(201);
  expect(added.json()).toEqual(PRINTER);
  expect(added.headers.location).toBe('/api/v1/printers/printer1');
  expect((await app.inject('/api/v1/printers/printer1')).json()).toEqual(PRINTER);
  expect((await app.inject('/api/v1/printers')).json()).toEqual([PRINTER]);
});

test('a second printer of an id is refused and the first stays', async () => {
  const { app } = createTestApp();
  await app.inject({ method: 'POST', url: '/api/v1/printers', payload: PRINTER });
  const second = await app.inject({
    method: 'POST',
    url: '/api/v1/printers',
    payload: { ...PRINTER, model: 'XL' },
  });
  expect(second.statusCode).toBe(409);
  expect(second.json()).toMatchObject({ code: 'already_exists', status: 409, id: 'printer1' });
  expect((await app.inject('/api/v1/printers')).json()).toEqual([PRINTER]);
});

test('an integer id is kept as a string, and a missing one is minted', async () => {
  const { app } = createTestApp();
  const { id: _, ...nameless } = PRINTER;
  const numbered = await app.inject({
    method: 'POST',
    url: '/api/v1/printers',
    payload: { ...nameless, id: 7 },
  });
  expect(numbered.json()).toEqual({ ...nameless, id: '7' });
  const minted = await app.inject({ method: 'POST', url: '/api/v1/printers', payload: nameless });
  expect(minted.json()).toEqual({ ...nameless, id: 'node1-minted-1' });
  expect(minted.headers.location).toBe('/api/v1/printers/node1-minted-1');
});

test.each(['a/b', 'ü 100%', '?x=1#y', '__proto__', '\u{1f9f5}'.repeat(128)])(
  'the Location of printer %j leads to it',
  async (id) => {
    const { app } = createTestApp();
    const added = await app.inject({ method: 'POST', url: '/api/v1/printers', payload: { ...PRINTER, id } });
    expect(added.statusCode).toBe(201);
    const found = await app.inject(String(added.headers.location));
    expect(found.json()).toEqual({ ...PRINTER, id });
  },
);

test.each(['nothing', 'x'.repeat(129), 'x'.repeat(5_000), '%00', '..%2f', '__proto__'])(
  'there is no printer %s',
  async (path) => {
    const { app } = createTestApp();
    const answer = await app.inject(`/api/v1/printers/${path}`);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not_found' });
  },
);
