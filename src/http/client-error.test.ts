import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { MAX_HEADER_BYTES } from './app.ts';
import { createTestApp, type TestApp } from './testing/app.ts';

let server: TestApp | undefined;

afterEach(async () => {
  await server?.app.close();
});

/**
 * Sends the first part, each next one when an answer came, and returns all that comes back until the server
 * closes.
 */
async function exchange(...parts: readonly string[]): Promise<string> {
  server = createTestApp();
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.app.server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    let answer = '';
    const rest = [...parts];
    const socket = connect(port, '127.0.0.1', () => socket.write(rest.shift() ?? ''));
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
      const next = rest.shift();
      if (next !== undefined) socket.write(next);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

function problemIn(answer: string): unknown {
  return JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n') + 4));
}

test('bytes that are not HTTP are answered 400, and the connection closes', async () => {
  const answer = await exchange('what is this\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\n/);
  expect(problemIn(answer)).toMatchObject({ code: 'malformed_request', status: 400 });
});

test('headers over the bound are answered 431', async () => {
  const answer = await exchange(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(MAX_HEADER_BYTES)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(problemIn(answer)).toMatchObject({ code: 'headers_too_large' });
});

test('garbage behind a waiting request does not answer that request with 400', async () => {
  const answer = await exchange('GET /cluster/status HTTP/1.1\r\nHost: a\r\n\r\ngarbage\r\n\r\n');
  // The scheduler decides how far the first request came. It must not be answered 400.
  expect(answer).toMatch(/^(HTTP\/1\.1 200 OK\r\n|$)/);
});

test('garbage after an answered request is answered 400', async () => {
  const answer = await exchange('GET /cluster/status HTTP/1.1\r\nHost: a\r\n\r\n', 'garbage\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(problemIn(answer)).toMatchObject({ code: 'malformed_request' });
});

test('a body whose chunks are malformed is answered 400', async () => {
  const head = 'POST /api/v1/printers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
  const answer = await exchange(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(problemIn(answer)).toMatchObject({ code: 'malformed_request' });
});

test('the rest of a refused body gets no answer of its own', async () => {
  const head = 'POST /api/v1/printers HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n';
  const answer = await exchange(`${head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`, 'zz\r\n');
  expect(answer.match(/^HTTP\/1\.1 \d{3}/gm)).toEqual(['HTTP/1.1 415']);
});

test.each(['Content-Length: 9000000', 'Transfer-Encoding: chunked'])(
  'a caller that still sends a body over the bound gets 413 and not a reset (%s)',
  async (framing) => {
    server = createTestApp();
    await server.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.app.server.address() as AddressInfo;
    const head = `POST /api/v1/printers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
    const body = framing.startsWith('C')
      ? ' '.repeat(9_000_000)
      : `895440\r\n${' '.repeat(9_000_000)}\r\n0\r\n\r\n`;
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(head + body, () => socket.end()));
      socket.setEncoding('utf8');
      socket.on('data', (text) => {
        received += text;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.match(/^HTTP\/1\.1 \d{3}/gm)).toHaveLength(1);
  },
);

test('an unknown Expect header is ignored', async () => {
  const answer = await exchange(
    'GET /cluster/status HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

test('a request of HTTP/1.1 without a Host header is refused with a problem document', async () => {
  const answer = await exchange('GET /cluster/status HTTP/1.1\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(problemIn(answer)).toMatchObject({ code: 'malformed_request' });
});

test('an Idempotency-Key behind thousands of other headers is read', async () => {
  const headers = 'a:\r\n'.repeat(3_000);
  const answer = await exchange(
    `POST /join HTTP/1.1\r\nHost: a\r\n${headers}Idempotency-Key: a b\r\nContent-Type: application/json\r\n` +
      'Connection: close\r\nContent-Length: 39\r\n\r\n{"node_id":"a","addr":"127.0.0.1:7001"}',
  );
  expect(problemIn(answer)).toMatchObject({ errors: [{ field: 'Idempotency-Key' }] });
});

test('a path whose bytes are not percent-encoded does not reach a route', async () => {
  const answer = await exchange(
    'GET /api/v1/printers/%e0%a4%a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(problemIn(answer)).toMatchObject({ code: 'malformed_url' });
});

test('a body that ends before its declared length changes nothing', async () => {
  const head =
    'POST /api/v1/printers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n';
  server = createTestApp();
  const { app, engine, internalErrors } = server;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(`${head}{"id":"a"`));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.resume();
  });
  expect((await app.inject('/cluster/status')).statusCode).toBe(200);
  expect([engine.proposals, internalErrors]).toEqual([0, []]);
});
