// Paths and query strings, valid and invalid.

import fc from 'fast-check';
import { PREFIX } from './http-bodies.ts';
import { longTexts, oddTexts } from './odd-text.ts';

export const COLLECTIONS = ['printers', 'filaments', 'print_jobs'] as const;

const odd = (text: string): string => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
/** Texts in a URL: encoded, plain, or wrongly encoded. */
export const urlTexts = fc.oneof(
  { weight: 3, arbitrary: oddTexts.map(odd) },
  { weight: 1, arbitrary: longTexts.map((text) => odd(text).slice(0, 14_000)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '%',
      '%2',
      '%zz',
      '%ff',
      '%c3%28',
      '%ed%a0%80',
      '%00',
      '%0d%0a',
      '%2F',
      '%2e%2e',
      '%c0%af',
      '+',
      '',
      '%E2%82',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      `${PREFIX}p0`,
      'Running',
      'stale',
      '10',
      '0',
      '-1',
      '1001',
      '1e2',
      '10.0',
      '00001',
      '٣',
    ),
  },
);
const names = fc.constantFrom(
  'limit',
  'after',
  'consistency',
  'status',
  'printer_id',
  'filament_id',
  'id',
  '__proto__',
  'constructor',
  'limit[]',
  'LIMIT',
  '',
);

export const oddQueries = fc
  .array(fc.tuple(fc.oneof(names, urlTexts), fc.constantFrom('=', '', '=='), urlTexts), {
    minLength: 1,
    maxLength: 5,
  })
  .chain((parts) => fc.tuple(fc.constant(parts), fc.constantFrom('&', '&&', ';', '?'), fc.boolean()))
  .map(([parts, glue, twice]) => {
    const text = parts.map((part) => part.join('')).join(glue);
    return twice ? `${text}&${text}` : text;
  });

export const paths = fc.oneof(
  fc.constantFrom(
    ...COLLECTIONS.map((name) => `/api/v1/${name}`),
    '/cluster/status',
    '/cluster/servers',
    '/join',
    `/api/v1/print_jobs/${PREFIX}j0/status`,
  ),
  fc.constantFrom(...COLLECTIONS).map((name) => `/api/v1/${name}/${PREFIX}p0`),
);

export const oddPaths = fc.oneof(
  fc.tuple(fc.constantFrom(...COLLECTIONS), urlTexts).map(([name, id]) => `/api/v1/${name}/${id}`),
  fc
    .tuple(urlTexts, fc.constantFrom('Running', 'Nothing', ''))
    .map(([id, status]) => `/api/v1/print_jobs/${id}/status?status=${status}`),
  urlTexts.map((text) => `/${text}`),
  fc.constantFrom(
    '/',
    '//',
    '/api//v1/printers',
    '/api/v1/printers//',
    '/API/v1/printers',
    '/api/v1/../v1/printers',
    '/api/v1/printers#a',
    '/api/v1/printers;a',
    '*',
    'http://127.0.0.1/api/v1/printers',
    '/api/v1/printers/x/y',
  ),
);
