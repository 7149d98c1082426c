// Requests as bytes: valid ones, and invalid ones of many kinds.

import fc from 'fast-check';
import { damaged, damages } from './bytes.ts';
import { type Body, joinBodies, PREFIX, spoiltBodies, validBodies } from './http-bodies.ts';
import type { Delivery } from './http-exchange.ts';
import { COLLECTIONS, oddPaths, oddQueries, paths, urlTexts } from './http-urls.ts';

export interface HttpCase {
  readonly kind: string;
  readonly method: string;
  /** May contain PREFIX, which is replaced when they are sent. */
  readonly bytes: Uint8Array;
  /** The Idempotency-Key of a request that is valid apart from its content. */
  readonly key: string | undefined;
  readonly body: Body | undefined;
  readonly delivery: Delivery;
  /** Well-formed HTTP, which may share a connection with other requests. */
  readonly isPlain: boolean;
}

type Headers = readonly (readonly [name: string, value: string])[];

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers?: Headers;
  /** Sent as it is, with a Content-Length. */
  readonly body?: Uint8Array | undefined;
}

const WHOLE: Delivery = { kind: 'whole' };
const HOST = ['Host', '127.0.0.1'] as const;
const JSON_TYPE = ['Content-Type', 'application/json'] as const;
const encoder = new TextEncoder();

function requestBytes({ method, target, headers = [], body }: Request): Uint8Array {
  const lengths: Headers = body === undefined ? [] : [['Content-Length', String(body.length)]];
  const lines = [HOST, ...headers, ...lengths].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, 'latin1'),
    body ?? Buffer.alloc(0),
  ]);
}

function plain(kind: string, request: Request, more: Partial<HttpCase> = {}): HttpCase {
  const bytes = requestBytes(request);
  return {
    kind,
    method: request.method,
    bytes,
    key: undefined,
    body: undefined,
    delivery: WHOLE,
    isPlain: true,
    ...more,
  };
}

const pathOf = ({ collection }: Body): string => (collection === 'join' ? '/join' : `/api/v1/${collection}`);

const goodKeys = fc.option(
  fc.oneof(
    fc.nat({ max: 3 }).map((number) => `${PREFIX}k${number}`),
    fc.constantFrom('!', '~', '"', 'x'.repeat(247)).map((text) => PREFIX + text),
  ),
  { nil: undefined, freq: 2 },
);

const creation = (kind: string, bodies: fc.Arbitrary<Body>): fc.Arbitrary<HttpCase> =>
  fc.tuple(bodies, goodKeys).map(([body, key]) => {
    const keyHeader: Headers = key === undefined ? [] : [['Idempotency-Key', key]];
    const request = {
      method: 'POST',
      target: pathOf(body),
      headers: [JSON_TYPE, ...keyHeader],
      body: encoder.encode(body.text),
    };
    return plain(kind, request, { key, body });
  });

const jobIds = fc.nat({ max: 3 }).map((number) => `${PREFIX}j${number}`);
const STATUSES = ['Running', 'Done', 'Canceled', 'Failed', 'running', 'CANCELLED', 'Queued'] as const;

const statusChanges = fc.tuple(jobIds, fc.constantFrom(...STATUSES), goodKeys).map(([id, status, key]) => {
  const headers: Headers = key === undefined ? [] : [['Idempotency-Key', key]];
  return plain(
    'valid status change',
    { method: 'POST', target: `/api/v1/print_jobs/${id}/status?status=${status}`, headers },
    { key },
  );
});

const goodQueries = fc.constantFrom(
  '',
  '?limit=1',
  '?limit=1000',
  '?consistency=stale',
  '?after=a',
  `?after=${PREFIX}&limit=7`,
  '?limit=2&consistency=stale',
);
const reads = fc
  .tuple(
    fc.constantFrom('GET', 'HEAD'),
    fc.oneof(
      fc
        .tuple(fc.constantFrom(...COLLECTIONS), goodQueries)
        .map(([name, query]) => `/api/v1/${name}${query === '' ? '?limit=50' : query}`),
      fc
        .tuple(fc.constantFrom(...COLLECTIONS), fc.constantFrom('p0', 'f0', 'j0'))
        .map(([name, id]) => `/api/v1/${name}/${PREFIX}${id}`),
      fc.constantFrom(
        '/cluster/status',
        '/cluster/status/',
        `/api/v1/print_jobs?status=Running&printer_id=${PREFIX}p0`,
      ),
    ),
  )
  .map(([method, target]) => plain('valid read', { method, target }));

const queryCases = fc
  .tuple(fc.constantFrom('GET', 'POST', 'HEAD'), paths, oddQueries)
  .map(([method, path, query]) =>
    plain('odd query', { method, target: `${path}?${query}`.slice(0, 15_000) }),
  );

const pathCases = fc
  .tuple(fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD'), oddPaths)
  .map(([method, target]) => plain('odd path', { method, target: target.slice(0, 15_000) }));

const METHODS = [
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'MKCOL',
  'LOCK',
  'SEARCH',
  'M-SEARCH',
  'PURGE',
  'LINK',
  'REPORT',
  'SOURCE',
] as const;
const methodCases = fc
  .tuple(fc.constantFrom(...METHODS), fc.oneof(paths, oddPaths), fc.boolean())
  .map(([method, target, hasBody]) =>
    plain('odd method', {
      method,
      target: target.slice(0, 15_000),
      ...(hasBody && { headers: [JSON_TYPE], body: encoder.encode('{"a":1}') }),
    }),
  );

/** Bodies that are not valid JSON of the right form. */
const rawBodies: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(validBodies, damages)
      .map(([body, damage]) => damaged(encoder.encode(body.text), damage)),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        '',
        ' ',
        'null',
        '1',
        '"a"',
        '[]',
        '[{}]',
        '{}',
        '{"a":',
        'NaN',
        '\ufeff{}',
        '{}\ufeff',
        '{} {}',
      )
      .map((text) => encoder.encode(text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{"a":', '[{"a":'), fc.constantFrom(100, 10_000, 150_000))
      .map(([open, times]) => encoder.encode(open.repeat(times))),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 60, max: 9_000 })
      .map((count) =>
        encoder.encode(`{${Array.from({ length: count }, (_, at) => `"k${at}":${at}`).join(',')}}`),
      ),
  },
);
const rawBodyCases = fc
  .tuple(fc.constantFrom(...COLLECTIONS), rawBodies)
  .map(([name, body]) =>
    plain(
      'odd body',
      { method: 'POST', target: `/api/v1/${name}`, headers: [JSON_TYPE], body },
      { isPlain: false },
    ),
  );

const largeBodyCases = fc
  .tuple(fc.constantFrom(...COLLECTIONS), fc.constantFrom(-1, 0, 1, 5_000, 2_000_000), fc.boolean())
  .map(([name, over, isJson]) => {
    const size = 1024 * 1024 + over;
    const body = Buffer.alloc(size, 'a');
    if (isJson) Buffer.from(`{"company":"${' '.repeat(4)}`).copy(body);
    return plain(
      'large body',
      { method: 'POST', target: `/api/v1/${name}`, headers: [JSON_TYPE], body },
      { isPlain: false },
    );
  });

const removals = fc
  .oneof(urlTexts, fc.constantFrom('node1', 'node2'))
  .map((id) => plain('removal', { method: 'DELETE', target: `/cluster/servers?id=${id}` }));

/** Headers whose values are sent unchanged. */
const oddHeaders: fc.Arbitrary<Headers> = fc.oneof(
  fc
    .constantFrom(
      'text/plain',
      'application/xml',
      'application/json; charset=utf-16',
      'application/jsonx',
      'application/json,text/plain',
      'APPLICATION/JSON',
      ';',
      '/',
      '',
      'multipart/form-data; boundary=a',
      'application/problem+json',
      'application/json;',
    )
    .map((type): Headers => [['Content-Type', type]]),
  fc
    .oneof(
      fc.constantFrom(
        '',
        ' ',
        'a b',
        'a,b',
        'x'.repeat(256),
        'x'.repeat(9_000),
        '\x7f',
        '\xe9',
        '\t',
        'a\x80b',
      ),
      fc.string({ maxLength: 20 }).map((text) => text.replace(/[\r\n\0]/g, '')),
    )
    .map((key): Headers => [JSON_TYPE, ['Idempotency-Key', key]]),
  fc
    .constantFrom('a', 'b')
    .map((key): Headers => [JSON_TYPE, ['Idempotency-Key', key], ['Idempotency-Key', 'b']]),
  fc
    .constantFrom(7_000, 15_000, 16_300, 16_384, 20_000, 70_000)
    .map((length): Headers => [JSON_TYPE, ['X-Long', 'a'.repeat(length)]]),
  fc
    .constantFrom(50, 1_000, 1_990, 2_100)
    .map(
      (count): Headers => [
        ...Array.from({ length: count }, (): readonly [string, string] => ['a', '']),
        JSON_TYPE,
        ['Idempotency-Key', 'a b'],
      ],
    ),
  fc
    .constantFrom('100-continue', '200-ok', '', '100-Continue, x')
    .map((value): Headers => [JSON_TYPE, ['Expect', value]]),
  fc
    .constantFrom('websocket', 'h2c', 'TLS/1.0')
    .map((value): Headers => [JSON_TYPE, ['Connection', 'Upgrade'], ['Upgrade', value]]),
  fc
    .constantFrom('close', 'keep-alive', 'host', 'a, b', '')
    .map((value): Headers => [JSON_TYPE, ['Connection', value]]),
  fc
    .constantFrom('a', 'evil.example', '', '[', '127.0.0.1, b')
    .map((value): Headers => [JSON_TYPE, ['Host', value]]),
  fc
    .constantFrom('gzip', 'identity;q=0', '*')
    .map((value): Headers => [JSON_TYPE, ['Content-Encoding', value], ['Accept', value]]),
);
const headerCases = fc
  .tuple(oddHeaders, validBodies)
  .map(([headers, body]) =>
    plain(
      'odd header',
      { method: 'POST', target: pathOf(body), headers, body: encoder.encode(body.text) },
      { isPlain: false, body: { ...body, isValid: false } },
    ),
  );

export const bodyCase = (body: Body): Uint8Array =>
  requestBytes({
    method: 'POST',
    target: pathOf(body),
    headers: [JSON_TYPE],
    body: encoder.encode(body.text),
  });

export const plainCases: fc.Arbitrary<HttpCase> = fc.oneof(
  { weight: 10, arbitrary: creation('valid creation', validBodies) },
  { weight: 8, arbitrary: statusChanges },
  { weight: 6, arbitrary: reads },
  { weight: 16, arbitrary: creation('spoilt field', spoiltBodies) },
  { weight: 8, arbitrary: rawBodyCases },
  { weight: 8, arbitrary: queryCases },
  { weight: 8, arbitrary: pathCases },
  { weight: 4, arbitrary: methodCases },
  { weight: 1, arbitrary: removals },
);

export const awkwardCases: fc.Arbitrary<HttpCase> = fc.oneof(
  { weight: 8, arbitrary: headerCases },
  { weight: 1, arbitrary: largeBodyCases },
  { weight: 1, arbitrary: creation('join', joinBodies) },
);

/** Requests that every batch starts with, in two groups: a printer and a spool, then jobs on them. */
export const PROLOGUE: readonly (readonly HttpCase[])[] = [
  [
    made('printers', `{"id":"${PREFIX}p0","company":"Prusa","model":"MK4"}`),
    made('filaments', `{"id":"${PREFIX}f0","type":"PLA","color":"Red","total_weight_in_grams":1000}`),
  ],
  ['j0', 'j1', 'j2', 'j3'].map((id) =>
    made(
      'print_jobs',
      `{"id":"${PREFIX}${id}","printer_id":"${PREFIX}p0","filament_id":"${PREFIX}f0","filepath":"/a","print_weight_in_grams":200}`,
    ),
  ),
];

function made(collection: Body['collection'], text: string): HttpCase {
  const body: Body = { collection, text, isValid: true };
  const request = { method: 'POST', target: pathOf(body), headers: [JSON_TYPE], body: encoder.encode(text) };
  return plain('valid creation', request, { body });
}
