// Requests that are not well-formed HTTP, or are delivered in unusual ways.

import fc from 'fast-check';
import { damaged, damages } from './bytes.ts';
import { validBodies } from './http-bodies.ts';
import { bodyCase, type HttpCase } from './http-cases.ts';
import type { Delivery } from './http-exchange.ts';

const places = fc.integer({ min: 1, max: 9_999 });

const deliveries: fc.Arbitrary<Delivery> = fc.oneof(
  fc.record({ kind: fc.constant('pieces' as const), count: fc.integer({ min: 2, max: 12 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: places }),
  fc.record({ kind: fc.constant('ended-early' as const), at: places }),
  fc.constant({ kind: 'half-closed' as const }),
  fc.constant({ kind: 'dropped' as const }),
);

const WHOLE: Delivery = { kind: 'whole' };

const awkward = (kind: string, bytes: Uint8Array, more: Partial<HttpCase> = {}): HttpCase => ({
  kind,
  method: 'POST',
  bytes,
  key: undefined,
  body: undefined,
  delivery: WHOLE,
  isPlain: false,
  ...more,
});

const deliveryCases = fc.tuple(validBodies, deliveries).map(([body, delivery]) => {
  const comesWhole = delivery.kind !== 'cut' && delivery.kind !== 'ended-early';
  return awkward(`delivery: ${delivery.kind}`, bodyCase(body), {
    delivery,
    body: { ...body, isValid: comesWhole },
  });
});

const damagedCases = fc
  .tuple(validBodies, fc.array(damages, { minLength: 1, maxLength: 3 }))
  .map(([body, list]) => awkward('damaged bytes', list.reduce(damaged, bodyCase(body))));

const randomCases = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc
      .constantFrom(
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        '\r\n\r\n',
        '\0',
        '\x16\x03\x01\x02\x00\x01\x00',
        'GET /\r\n\r\n',
        'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      )
      .map((text) => Buffer.from(text, 'latin1')),
  )
  .map((bytes) => awkward('random bytes', bytes));

const lengths = fc.constantFrom(
  '-1',
  '+5',
  '0x10',
  '1e1',
  '99999999999999999999',
  '5, 5',
  '5, 6',
  ' ',
  'a',
  '1048577',
  '0',
  '3',
  '18446744073709551616',
);
const ENCODINGS = [
  'chunked',
  'gzip',
  'chunked, chunked',
  'identity',
  'xchunked',
  'Chunked',
  'chunked, gzip',
  '',
] as const;
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTPS/1.1',
  '',
] as const;
const CHUNKS = [
  (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
  (text: string) => `${text.length.toString(16)};a=b\r\n${text}\r\n0\r\nTrailer: a\r\n\r\n`,
  (text: string) => `${[...text].map((one) => `1\r\n${one}\r\n`).join('')}0\r\n\r\n`,
  (text: string) => `-1\r\n${text}\r\n0\r\n\r\n`,
  (text: string) => `ffffffffffffffff\r\n${text}\r\n0\r\n\r\n`,
  (text: string) => `${(text.length + 1).toString(16)}\r\n${text}\r\n0\r\n\r\n`,
  (text: string) => `${text.length.toString(16)}\n${text}\n0\n\n`,
  (text: string) => text,
] as const;
const LINES = [
  'X: a\r\n b\r\n',
  'X : a\r\n',
  ': a\r\n',
  'X\r\n',
  'X: \0\r\n',
  'X: a\n',
  '\x80: a\r\n',
  ' X: a\r\n',
  'Host: a\r\n',
  'Content-Length: 5\r\n',
] as const;

const headCases = fc
  .record({
    version: fc.oneof(
      { weight: 3, arbitrary: fc.constant('HTTP/1.1') },
      { weight: 1, arbitrary: fc.constantFrom(...VERSIONS) },
    ),
    host: fc.constantFrom('Host: a\r\n', 'Host: a\r\n', 'Host: a\r\n', ''),
    length: fc.option(lengths, { nil: undefined }),
    encoding: fc.option(fc.constantFrom(...ENCODINGS), { nil: undefined }),
    line: fc.option(fc.constantFrom(...LINES), { nil: '', freq: 2 }),
    chunks: fc.constantFrom(...CHUNKS),
    body: validBodies,
  })
  .map(({ version, host, length, encoding, line, chunks, body }) => {
    // ASCII only, so that each character is one byte.
    const text = body.text.replace(/[^\x20-\x7e]/g, '?');
    const head = [
      `POST /api/v1/${body.collection} ${version}\r\n`,
      `${host}Content-Type: application/json\r\n`,
      length === undefined ? '' : `Content-Length: ${length}\r\n`,
      encoding === undefined ? '' : `Transfer-Encoding: ${encoding}\r\n`,
      line,
    ].join('');
    return awkward('odd framing', Buffer.from(`${head}\r\n${chunks(text)}`, 'latin1'));
  });

export const framingCases: fc.Arbitrary<HttpCase> = fc.oneof(
  { weight: 4, arbitrary: deliveryCases },
  { weight: 3, arbitrary: damagedCases },
  { weight: 1, arbitrary: randomCases },
  { weight: 4, arbitrary: headCases },
);
