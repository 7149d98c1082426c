import net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ByteWriter } from '../../src/engines/raft/codec/byte-writer.ts';
import { encodeFrame } from '../../src/engines/raft/codec/frame.ts';
import { writeHello } from '../../src/engines/raft/transport/hello.ts';
import { present } from '../../src/shared/assert.ts';
import { Draws } from '../kit/draws.ts';
import { waitFor } from '../kit/wait-for.ts';
import type { NodePlace } from './network.ts';
import { ProxyNetwork } from './proxy-network.ts';

let network: ProxyNetwork;
/** Stands in for node2: it echoes all data. */
let node2: net.Server;
let arrived: Buffer;
let dialled: net.Socket[];

beforeEach(async () => {
  network = await ProxyNetwork.start(['node1', 'node2'], new Draws(1));
  arrived = Buffer.alloc(0);
  dialled = [];
  node2 = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      arrived = Buffer.concat([arrived, chunk]);
      socket.write(chunk);
    });
  });
  await new Promise<void>((listening) => {
    node2.listen(node2Place().raftPort, '127.0.0.1', listening);
  });
});
afterEach(async () => {
  for (const socket of dialled) socket.destroy();
  await network.close();
  await new Promise((closed) => node2.close(closed));
});

function node2Place(): NodePlace {
  return present(network.places[1], 'the network has two places');
}

const writer = new ByteWriter();
writeHello(writer, {
  purpose: 'messages',
  identity: { server: 'node1@1', clusterId: 'c' },
  expectedServer: 'node2@1',
});
const HELLO = Buffer.from(encodeFrame(writer.take()));

/** Dials node2, as node1, by the address that node2 advertises. `received` returns the data so far. */
function dialFromNode1(): { readonly socket: net.Socket; readonly received: () => Buffer } {
  const port = Number(node2Place().flags.join(' ').split(':').at(-1));
  const socket = net.connect(port, '127.0.0.1');
  dialled.push(socket);
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.write(HELLO);
  return { socket, received: () => received };
}

const WORDS = Buffer.from('words');
const BOTH = Buffer.concat([HELLO, WORDS]);

test('data from node1 arrives, and the answer comes back', async () => {
  const { socket, received } = dialFromNode1();
  socket.write(WORDS);
  await waitFor('the answer', () => received().equals(BOTH));
  expect(arrived).toEqual(BOTH);
});

test('a connection over a cut link opens when the link is mended', async () => {
  await network.cut('node1', 'node2');
  const { received } = dialFromNode1();
  // Mending another link changes nothing.
  await network.mend('node3', 'node2');
  expect(arrived).toHaveLength(0);
  await network.mend('node1', 'node2');
  await waitFor('the answer', () => received().equals(HELLO));
});

test('each direction is cut separately', async () => {
  const { socket, received } = dialFromNode1();
  await waitFor('the first answer', () => received().equals(HELLO));
  await network.cut('node2', 'node1');
  socket.write(WORDS);
  await waitFor('the words arrive', () => arrived.equals(BOTH));
  expect(received()).toEqual(HELLO);
  await network.mend('node2', 'node1');
  await waitFor('the answer', () => received().equals(BOTH));
});

test('a bad link holds its data back, in order, and its other direction does not', async () => {
  const { socket, received } = dialFromNode1();
  await waitFor('the first answer', () => received().equals(HELLO));
  await network.worsen('node1', 'node2', { lossShare: 0, delayMs: 60_000, jitterMs: 0 });
  await network.worsen('node2', 'node1', { lossShare: 0, delayMs: 10, jitterMs: 0 });
  socket.write(WORDS);
  const other = dialFromNode1();
  await waitFor('the other connection is carried', () => other.received().equals(HELLO));
  expect(received()).toEqual(HELLO);
});

test('on a lossy link everything arrives once, in order, or the connection ends', async () => {
  const { socket, received } = dialFromNode1();
  await waitFor('the first answer', () => received().equals(HELLO));
  await network.worsen('node1', 'node2', { lossShare: 0.5, delayMs: 0, jitterMs: 5 });
  let all = HELLO;
  // One after the other: data written at once may be one chunk.
  for (let count = 0; count < 6 && !socket.destroyed; count += 1) {
    const words = Buffer.from(`words ${count}`);
    all = Buffer.concat([all, words]);
    socket.write(words);
    await waitFor('the answer or the end', () => received().equals(all) || socket.destroyed);
  }
  expect(all.subarray(0, received().length)).toEqual(received());
  expect(network.linkDamage.lost).toBeGreaterThan(0);
});
