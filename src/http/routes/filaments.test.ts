import { expect, test } from 'vitest';
import { createTestApp } from '../testing/app.ts';

const FILAMENT = { id: 'filament1', type: 'PLA', color: 'Red', total_weight_in_grams: 1_000.5 };

async function post(payload: object) {
  const { app } = createTestApp();
  return app.inject({ method: 'POST', url: '/api/v1/filaments', payload });
}

test('a filament shows what is total, remaining, reserved and available', async () => {
  const added = await post({ ...FILAMENT, remaining_weight_in_grams: 999.999 });
  expect(added.statusCode).toBe(201);
  expect(added.headers.location).toBe('/api/v1/filaments/filament1');
  expect(added.json()).toEqual({
    ...FILAMENT,
    remaining_weight_in_grams: 999.999,
    reserved_weight_in_grams: 0,
    available_weight_in_grams: 999.999,
  });
});

test('a new spool is full unless it says otherwise', async () => {
  expect((await post(FILAMENT)).json()).toMatchObject({ remaining_weight_in_grams: 1_000.5 });
  expect((await post({ ...FILAMENT, remaining_weight_in_grams: 0 })).json()).toMatchObject({
    remaining_weight_in_grams: 0,
  });
});

test('well-known materials are stored in upper case, others as given', async () => {
  expect((await post({ ...FILAMENT, type: ' petg ' })).json()).toMatchObject({ type: 'PETG' });
  expect((await post({ ...FILAMENT, type: 'Wood' })).json()).toMatchObject({ type: 'Wood' });
});

test.each([
  [{ total_weight_in_grams: 0 }, 'total_weight_in_grams'],
  [{ total_weight_in_grams: -1 }, 'total_weight_in_grams'],
  [{ total_weight_in_grams: 1.0001 }, 'total_weight_in_grams'],
  [{ total_weight_in_grams: 1e10 }, 'total_weight_in_grams'],
  [{ total_weight_in_grams: '5' }, 'total_weight_in_grams'],
  [{ remaining_weight_in_grams: 1_000.501 }, 'remaining_weight_in_grams'],
  [{ remaining_weight_in_grams: null }, 'remaining_weight_in_grams'],
  [{ type: ' ' }, 'type'],
  [{ color: 'x'.repeat(65) }, 'color'],
  [{ colour: 'Red' }, 'colour'],
])('%j is refused, naming the field', async (change, field) => {
  const answer = await post({ ...FILAMENT, ...change });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
});
