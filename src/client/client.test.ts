import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { ApiProblem, CallFailed, Client } from './client.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly body: string;
}

/** A node that answers as the test says, and what it was asked. */
interface FakeNode {
  readonly url: string;
  readonly seen: Seen[];
}

type Answer = (response: ServerResponse, request: Seen, count: number) => void;

const PRINTER = { id: 'printer1', company: 'Prusa', model: 'MK4' };
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function fakeNode(answer: Answer): Promise<FakeNode> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const key = request.headers['idempotency-key'];
      const one = { method: request.method, url: request.url, key: key?.toString(), body };
      seen.push(one);
      answer(response, one, seen.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string): void {
  json(response, status, {
    type: `urn:raft3d:problem:${code}`,
    title: code,
    status,
    detail: `It is ${code}.`,
    code,
  });
}

/** Resolves to the error that `promise` rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}

describe('a call', () => {
  test('sends path, query and body as the contract has them and returns the body of the answer', async () => {
    const node = await fakeNode((response) => json(response, 200, { ...PRINTER, id: 'a/b' }));
    const client = new Client({ nodes: [node.url] });
    const printer = await client.call('getPrinter', {
      params: { id: 'a/b' },
      query: { consistency: 'stale' },
    });
    expect(printer.id).toBe('a/b');
    await client.call('createPrinter', { body: PRINTER });
    expect(node.seen).toMatchObject([
      { method: 'GET', url: '/api/v1/printers/a%2Fb?consistency=stale', key: undefined, body: '' },
      { method: 'POST', url: '/api/v1/printers', body: JSON.stringify(PRINTER) },
    ]);
  });

  test('is typed by the contract: parts that an operation lacks or needs are known to the compiler', () => {
    const client = new Client({ nodes: ['http://localhost:1'] });
    expectTypeOf(client.call<'createPrinter'>)
      .parameter(1)
      .toHaveProperty('body');
    expectTypeOf(client.call<'getPrinter'>)
      .parameter(1)
      .not.toHaveProperty('body');
    expectTypeOf(client.call<'getPrinter'>)
      .returns.resolves.toHaveProperty('company')
      .toEqualTypeOf<string>();
    expectTypeOf(client.list<'listPrintJobs'>).returns.toEqualTypeOf<
      AsyncGenerator<Awaited<ReturnType<typeof client.call<'getPrintJob'>>>, void>
    >();
  });

  test('rejects with the problem when the API refuses the request, and asks no other node', async () => {
    const refusing = await fakeNode((response) => problem(response, 409, 'already_exists'));
    const other = await fakeNode((response) => json(response, 201, PRINTER));
    const client = new Client({ nodes: [refusing.url, other.url] });
    const error = await rejection(client.call('createPrinter', { body: PRINTER }));
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({ code: 'already_exists', status: 409, message: 'It is already_exists.' });
    expect(other.seen).toEqual([]);
  });

  test('rejects with unexpected_answer where no Raft3D node answers', async () => {
    const other = await fakeNode((response) => response.writeHead(404).end('<html>'));
    const error = await rejection(new Client({ nodes: [other.url] }).call('clusterStatus'));
    expect(error).toBeInstanceOf(CallFailed);
    expect(error).toMatchObject({ code: 'unexpected_answer' });
  });
});

describe('when a node fails', () => {
  test('the next node is asked, and stays the one that is asked first', async () => {
    const dead = await fakeNode((response) => response.destroy());
    const alive = await fakeNode((response) => json(response, 200, PRINTER));
    const client = new Client({ nodes: [dead.url, alive.url] });
    await client.call('getPrinter', { params: { id: 'printer1' } });
    await client.call('getPrinter', { params: { id: 'printer1' } });
    expect([dead.seen.length, alive.seen.length]).toEqual([1, 2]);
  });

  test('a write is sent again with the same idempotency key', async () => {
    const losing = await fakeNode((response) => response.destroy());
    const leaderless = await fakeNode((response) => problem(response, 503, 'no_leader'));
    const good = await fakeNode((response) => json(response, 201, PRINTER));
    const client = new Client({ nodes: [losing.url, leaderless.url, good.url] });
    await client.call('createPrinter', { body: PRINTER });
    const keys = [losing, leaderless, good].map(({ seen }) => seen[0]?.key);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test('two writes have different keys, and a key that the caller gives is sent', async () => {
    const node = await fakeNode((response) => json(response, 201, PRINTER));
    const client = new Client({ nodes: [node.url] });
    await client.call('createPrinter', { body: PRINTER });
    await client.call('createPrinter', { body: PRINTER });
    await client.call('createPrinter', { body: PRINTER }, { idempotencyKey: 'mine' });
    const [first, second, third] = node.seen.map(({ key }) => key);
    expect(first).not.toBe(second);
    expect(third).toBe('mine');
  });

  test('a node that does not answer in time is left for the next', async () => {
    const silent = await fakeNode(() => undefined);
    const good = await fakeNode((response) => json(response, 200, PRINTER));
    const client = new Client({ nodes: [silent.url, good.url], tryTimeoutMs: 50 });
    const { node } = await client.reply('getPrinter', { params: { id: 'printer1' } });
    expect(node).toBe(good.url);
  });

  test('the same nodes are asked again until the time of the call is up', async () => {
    const node = await fakeNode((response, _, count) =>
      count < 4 ? problem(response, 503, 'no_leader') : json(response, 201, PRINTER),
    );
    await new Client({ nodes: [node.url] }).call('createPrinter', { body: PRINTER });
    expect(node.seen).toHaveLength(4);
  });
});

describe('when the time of a call is up', () => {
  const limits = { callTimeoutMs: 300, tryTimeoutMs: 100 };

  test('refusals without effect reject with the last problem', async () => {
    const node = await fakeNode((response) => problem(response, 503, 'no_leader'));
    const error = await rejection(
      new Client({ nodes: [node.url], ...limits }).call('createPrinter', { body: PRINTER }),
    );
    expect(error).toMatchObject({ name: 'ApiProblem', code: 'no_leader' });
  });

  test.each([
    ['is silent', () => undefined],
    ['answers 504', (response: ServerResponse) => problem(response, 504, 'outcome_unknown')],
    ['answers 500', (response: ServerResponse) => problem(response, 500, 'internal_error')],
  ])('a write whose node %s has an unknown outcome, and the error names its key', async (_, answer) => {
    const node = await fakeNode(answer);
    const error = await rejection(
      new Client({ nodes: [node.url], ...limits }).call('createPrinter', { body: PRINTER }),
    );
    expect(error).toMatchObject({ code: 'outcome_unknown', idempotencyKey: node.seen[0]?.key });
  });

  test('a read that nobody answers rejects with no_answer', async () => {
    const node = await fakeNode(() => undefined);
    const error = await rejection(new Client({ nodes: [node.url], ...limits }).call('clusterStatus'));
    expect(error).toMatchObject({ code: 'no_answer' });
  });

  test("a caller who gives up gets its own signal's reason", async () => {
    const abort = new AbortController();
    const node = await fakeNode(() => abort.abort(new Error('enough')));
    const call = new Client({ nodes: [node.url] }).call('clusterStatus', {}, { signal: abort.signal });
    expect(await rejection(call)).toMatchObject({ message: 'enough' });
  });
});

describe('a list', () => {
  test('goes on from page to page until there is no next one', async () => {
    const pages = ['a', 'b', 'c'];
    const node = await fakeNode((response, { url }) => {
      const after = new URL(url ?? '', 'http://x').searchParams.get('after');
      const at = after === null ? 0 : pages.indexOf(after) + 1;
      const next = at < pages.length - 1 && {
        link: `</api/v1/printers?limit=1&after=${pages[at]}>; rel="next"`,
      };
      json(response, 200, [{ ...PRINTER, id: pages[at] }], { ...next });
    });
    const ids: string[] = [];
    for await (const { id } of new Client({ nodes: [node.url] }).list('listPrinters', { limit: 1 }))
      ids.push(id);
    expect(ids).toEqual(pages);
    expect(node.seen.map(({ url }) => url)).toEqual([
      '/api/v1/printers?limit=1',
      '/api/v1/printers?limit=1&after=a',
      '/api/v1/printers?limit=1&after=b',
    ]);
  });

  test('asks for no page that the loop does not reach', async () => {
    const node = await fakeNode((response) =>
      json(response, 200, [PRINTER], { link: '</api/v1/printers?after=printer1>; rel="next"' }),
    );
    for await (const _ of new Client({ nodes: [node.url] }).list('listPrinters')) break;
    expect(node.seen).toHaveLength(1);
  });
});

test.each([[[]], [['localhost:8080']], [['ftp://a']]])('nodes %j are refused with a TypeError', (nodes) => {
  expect(() => new Client({ nodes })).toThrow(TypeError);
});

test('the client is built for browsers without a module of Node.js', async () => {
  const { errors, outputFiles } = await build({
    entryPoints: ['src/client/client.ts'],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    minify: true,
    write: false,
    logLevel: 'silent',
  });
  expect(errors).toEqual([]);
  expect(outputFiles).toHaveLength(1);
});
