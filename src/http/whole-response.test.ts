import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WholeResponse } from './whole-response.ts';

const BODY = '{"name":"Süßes Öl"}';
const LENGTH = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) };

type Answer = (response: http.ServerResponse) => void;

/** By path. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  '/whole': (response) => response.writeHead(200, LENGTH).end(BODY),
  '/as-fastify-does': (response) =>
    (response.writeHead(201, LENGTH).end as (...parameters: unknown[]) => void).call(
      response,
      BODY,
      null,
      null,
    ),
  '/empty': (response) => response.writeHead(204).end(),
  '/no-body': (response) => response.writeHead(200, { 'content-length': 0 }).end(''),
  '/not-modified': (response) => response.writeHead(304).end(),
  '/unknown-length': (response) => response.writeHead(200).end(BODY),
  '/no-head': (response) => response.end(BODY),
  '/bytes': (response) => response.writeHead(200, LENGTH).end(Buffer.from(BODY)),
  '/latin1': (response) => response.writeHead(200, { 'content-length': 3 }).end('äöü', 'latin1'),
  '/in-parts': (response) => {
    response.writeHead(200, { 'content-length': 6 });
    response.write('abc');
    setImmediate(() => response.end('def'));
  },
  '/on-a-dead-socket': (response) => {
    response.writeHead(200, LENGTH);
    response.socket?.destroy();
    response.end(BODY);
  },
  '/twice': (response) => {
    response.writeHead(200, LENGTH).end(BODY);
    response.end(BODY);
  },
};

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Server {
  readonly port: number;
  /** The number of parts in each gathered write. */
  readonly gathered: number[];
  readonly finished: string[];
}

async function start(options: http.ServerOptions): Promise<Server> {
  const gathered: number[] = [];
  const finished: string[] = [];
  const server = http.createServer({ ...options, keepAlive: true }, (request, response) => {
    response.sendDate = false;
    response.on('error', () => undefined);
    response.on('finish', () => finished.push(request.url ?? ''));
    ANSWERS[request.url ?? '']?.(response);
  });
  server.on('connection', (socket) => {
    const writev = socket._writev?.bind(socket);
    socket._writev = (parts, done) => {
      gathered.push(parts.length);
      writev?.(parts, done);
    };
  });
  server.listen(0, '127.0.0.1');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  await once(server, 'listening');
  return { port: (server.address() as net.AddressInfo).port, gathered, finished };
}

/** Returns the raw answers to requests that are sent at once on one connection. */
async function rawAnswers(port: number, requests: readonly string[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  const lines = requests.map((request, at) => {
    const connection = at === requests.length - 1 ? 'connection: close\r\n' : '';
    return `${request} HTTP/1.1\r\nhost: x\r\n${connection}\r\n`;
  });
  socket.write(lines.join(''));
  await once(socket, 'close');
  return received;
}

describe('an answer', () => {
  const DEAD = '/on-a-dead-socket';
  const paths = Object.keys(ANSWERS).filter((path) => path !== DEAD);
  const requests = [
    ...paths.map((path) => [`GET ${path}`]),
    ['HEAD /whole'],
    ['HEAD /unknown-length'],
    paths.map((path) => `GET ${path}`),
  ];

  test.each(requests.map((sent) => [sent.length === 1 ? sent[0] : 'all of them on one connection', sent]))(
    'to %s is to the byte what Node sends',
    async (_name, sent) => {
      const ours = await start({ ServerResponse: WholeResponse });
      const nodes = await start({});
      const received = await rawAnswers(ours.port, sent as string[]);
      expect(received).toBe(await rawAnswers(nodes.port, sent as string[]));
      expect(received).toMatch(/^HTTP\/1\.1 \d\d\d /);
      expect(ours.finished).toEqual(nodes.finished);
    },
  );

  test('to a caller who has gone has not finished', async () => {
    const ours = await start({ ServerResponse: WholeResponse });
    const nodes = await start({});
    expect(await rawAnswers(ours.port, [`GET ${DEAD}`])).toBe('');
    expect(await rawAnswers(nodes.port, [`GET ${DEAD}`])).toBe('');
    // The events of the first answer come in the turns after the end of its connection.
    await rawAnswers(ours.port, ['GET /whole']);
    await rawAnswers(nodes.port, ['GET /whole']);
    expect(nodes.finished).toEqual(['/whole']);
    expect(ours.finished).toEqual(nodes.finished);
  });

  test('of known length leaves in one part', async () => {
    const ours = await start({ ServerResponse: WholeResponse });
    await rawAnswers(ours.port, ['GET /as-fastify-does']);
    expect(ours.gathered).toEqual([]);
    const nodes = await start({});
    await rawAnswers(nodes.port, ['GET /as-fastify-does']);
    // Node 24 does it by itself.
    const isOld = Number(process.versions.node.split('.')[0]) < 24;
    expect(nodes.gathered).toEqual(isOld ? [2] : []);
  });
});
