import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { readBody } from './json-body.ts';
import { WholeRequest } from './whole-request.ts';

const MAX_BYTES = 100;

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

interface Server {
  readonly port: number;
  /** How each request ended: with its body, or with the reason why there is none. */
  readonly outcomes: string[];
  /** Bytes that the server read from the connection accepted last. */
  readonly readBytes: () => number;
}

/** Answers every request when its body is there; reads `/stream` as a stream, and nothing of `/ignored`. */
async function start(): Promise<Server> {
  const outcomes: string[] = [];
  const server = http.createServer({ IncomingMessage: WholeRequest }, (request, response) => {
    const answer = (outcome: string): void => {
      outcomes.push(outcome);
      response.writeHead(200, { 'content-length': Buffer.byteLength(outcome) }).end(outcome);
    };
    if (request.url === '/ignored') answer('ignored');
    else if (request.url === '/stream') {
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        text += chunk;
      });
      request.on('end', () => answer(`stream ${text}`));
    } else readBody(request, MAX_BYTES, (failure, body) => answer(failure?.code ?? `body ${textOf(body)}`));
  });
  let accepted: net.Socket | undefined;
  server.on('connection', (socket) => {
    accepted = socket;
  });
  server.listen(0, '127.0.0.1');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    outcomes,
    readBytes: () => accepted?.bytesRead ?? 0,
  };
}

async function connect(port: number): Promise<{ socket: net.Socket; received: () => string }> {
  const socket = net.connect(port, '127.0.0.1');
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  return { socket, received: () => text };
}

function head(path: string, length: number): string {
  return `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`;
}

const CHUNKED = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const LAST_CHUNK = chunk('');

test.each([
  { what: 'a body behind its head', parts: [`${head('/', 3)}abc`], outcomes: ['body abc'] },
  { what: 'a body in parts', parts: [head('/', 6), 'abc', 'def'], outcomes: ['body abcdef'] },
  { what: 'no body', parts: [head('/', 0)], outcomes: ['body '] },
  { what: 'chunks', parts: [CHUNKED + chunk('ab'), chunk('c') + LAST_CHUNK], outcomes: ['body abc'] },
  {
    what: 'requests that do not wait for answers',
    parts: [`${head('/', 1)}a${head('/', 1)}b${head('/', 1)}`, 'c'],
    outcomes: ['body a', 'body b', 'body c'],
  },
  {
    what: 'as many bytes as there may be',
    parts: [head('/', MAX_BYTES), 'x'.repeat(MAX_BYTES)],
    outcomes: [`body ${'x'.repeat(MAX_BYTES)}`],
  },
  {
    what: 'a length that is too large, and a request behind it',
    parts: [head('/', 2 * MAX_BYTES), 'x'.repeat(2 * MAX_BYTES), `${head('/', 1)}a`],
    outcomes: ['body_too_large', 'body a'],
  },
  {
    what: 'chunks that are too large together, and a request behind them',
    parts: [
      CHUNKED + chunk('x'.repeat(80)),
      chunk('x'.repeat(80)) + chunk('x'.repeat(80)),
      `${LAST_CHUNK}${head('/', 1)}a`,
    ],
    outcomes: ['body_too_large', 'body a'],
  },
  {
    what: 'a body that nobody reads, and a request behind it',
    parts: [head('/ignored', 3), 'abc', `${head('/', 1)}d`],
    outcomes: ['ignored', 'body d'],
  },
  {
    what: 'a body that is read as a stream',
    parts: [head('/stream', 4), 'ab', `cd${head('/', 1)}e`],
    outcomes: ['stream abcd', 'body e'],
  },
])('$what', async ({ parts, outcomes: expected }) => {
  const { port, outcomes, readBytes } = await start();
  const { socket, received } = await connect(port);
  for (const part of parts) {
    socket.write(part);
    // The server reads each part by itself.
    await expect.poll(readBytes).toBe(socket.bytesWritten);
  }
  await expect.poll(() => outcomes).toEqual(expected);
  await expect.poll(() => received().split('HTTP/1.1 200 OK').length - 1).toBe(expected.length);
});

test('a connection that breaks in the middle of a body ends it once', async () => {
  const { port, outcomes, readBytes } = await start();
  const { socket } = await connect(port);
  socket.write(`${head('/', 3)}ab`);
  await expect.poll(readBytes).toBe(socket.bytesWritten);
  socket.destroy();
  await expect.poll(() => outcomes).toEqual(['malformed_request']);
  const next = await connect(port);
  next.socket.write(`${head('/', 1)}a`);
  await expect.poll(() => outcomes).toEqual(['malformed_request', 'body a']);
});

test('a body that is asked for when some of it came already is an error, and no shorter body', async () => {
  const errors: unknown[] = [];
  const server = http.createServer({ IncomingMessage: WholeRequest }, (request, response) => {
    request.once('readable', () => {
      try {
        readBody(request, MAX_BYTES, () => undefined);
      } catch (error) {
        errors.push(error);
      }
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  await once(server, 'listening');
  const { socket } = await connect((server.address() as net.AddressInfo).port);
  socket.write(`${head('/', 3)}abc`);
  await expect.poll(() => errors).toHaveLength(1);
});

/** Reads the body of a plain stream, as `inject` makes one for a test. */
function readMadeUp(stream: PassThrough, maxBytes: number): Promise<string> {
  return new Promise((resolve) => {
    const request = Object.assign(stream, { headers: {} }) as unknown as http.IncomingMessage;
    readBody(request, maxBytes, (failure, body) =>
      resolve(failure?.code ?? Buffer.from(body).toString('latin1')),
    );
  });
}

test('a body is whole however it is cut, up to its bound', async () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.nat(600), async (chunks, maxBytes) => {
      const stream = new PassThrough();
      const read = readMadeUp(stream, maxBytes);
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
      const whole = Buffer.concat(chunks);
      expect(await read).toBe(whole.length > maxBytes ? 'body_too_large' : whole.toString('latin1'));
    }),
  );
});

test.each([
  { how: 'with an error', error: new Error('reset') },
  { how: 'without one', error: undefined },
])('a stream that is destroyed $how is cut off', async ({ error }) => {
  const stream = new PassThrough();
  setImmediate(() => stream.destroy(error));
  expect(await readMadeUp(stream, 3)).toBe('malformed_request');
});
