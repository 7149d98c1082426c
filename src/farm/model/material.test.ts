import { expect, test } from 'vitest';
import { checkMaterial } from './material.ts';

test.each([
  ['pla', 'PLA'],
  ['  PetG ', 'PETG'],
  ['Nylon', 'NYLON'],
  ['tpu', 'TPU'],
  ['hips', 'HIPS'],
  ['Wood-filled', 'Wood-filled'],
  ['plastic', 'plastic'],
])('%j becomes %j', (given, kept) => expect(checkMaterial(given)).toEqual({ ok: true, value: kept }));

test.each(['', '  ', 'a\u0007', 'x'.repeat(65), 5, undefined])('%j is not a material', (given) =>
  expect(checkMaterial(given)).toMatchObject({ ok: false }),
);
