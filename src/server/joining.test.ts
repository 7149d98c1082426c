import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { TestLogger } from '../engines/raft/node/testing/clock.ts';
import { type JoinResult, joinCluster } from './joining.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Starts a member that gives `answers` in order and repeats the last; undefined leaves a request open. */
async function startMember(...answers: readonly (readonly [status: number, body: string] | undefined)[]) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(body);
      if (answer !== undefined) response.writeHead(answer[0]).end(answer[1]);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function join(members: readonly string[], signal = new AbortController().signal): Promise<JoinResult> {
  const wanted = { join: members, id: 'b', advertiseRaft: 'b:7000', advertiseHttp: 'b:8080' };
  return joinCluster(wanted, { logger: new TestLogger(), signal });
}

test('a join sends the id and the addresses of the node', async () => {
  const member = await startMember([200, '{"role":"voter"}']);
  expect(await join([member.address])).toEqual({ kind: 'joined', role: 'voter' });
  expect(member.asked.map((body) => JSON.parse(body) as unknown)).toEqual([
    { node_id: 'b', addr: 'b:7000', http_addr: 'b:8080' },
  ]);
});

test('the next member is asked after one that is unreachable, is not Raft3D or cannot accept now', async () => {
  const other = await startMember([200, '<html>']);
  const endless = await startMember([200, ' '.repeat(100_000)]);
  const busy = await startMember([503, '{"code":"no_leader"}'], [200, '{"role":"learner"}']);
  const members = ['127.0.0.1:1', other.address, endless.address, busy.address];
  expect(await join(members)).toEqual({ kind: 'joined', role: 'learner' });
});

test('a final refusal is the result', async () => {
  const member = await startMember([409, '{"code":"node_id_in_use","detail":"choose another"}']);
  expect(await join([member.address])).toEqual({
    kind: 'refused',
    code: 'node_id_in_use',
    detail: 'choose another',
  });
});

test('an abort cancels a join that waits for its answer', async () => {
  const member = await startMember(undefined);
  const stop = new AbortController();
  const result = join([member.address], stop.signal);
  await expect.poll(() => member.asked.length).toBe(1);
  stop.abort();
  expect(await result).toEqual({ kind: 'cancelled' });
});

test('an abort cancels a join whose answer is under way', async () => {
  let isAnswering = false;
  const server = http.createServer((_, response) => {
    response.write('{', () => {
      isAnswering = true;
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = new AbortController();
  const result = join([`127.0.0.1:${(server.address() as AddressInfo).port}`], stop.signal);
  await expect.poll(() => isAnswering).toBe(true);
  stop.abort();
  expect(await result).toEqual({ kind: 'cancelled' });
});
