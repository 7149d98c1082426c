import dgram from 'node:dgram';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Draws } from '../kit/draws.ts';
import { waitFor } from '../kit/wait-for.ts';
import { TUNNEL_PORT, TunnelRelay } from './tunnel-relay.ts';

const [HUB, NODE1, NODE2] = ['127.0.77.1', '127.0.77.11', '127.0.77.12'] as const;

let relay: TunnelRelay;
let node1: dgram.Socket;
let node2: dgram.Socket;
/** The numbers of the packets that node2 received. */
let arrived: number[];

beforeEach(async () => {
  relay = await TunnelRelay.start(HUB, new Draws(1));
  [node1, node2] = [await bound(NODE1), await bound(NODE2)];
  arrived = [];
  node2.on('message', (datagram) => arrived.push(datagram.readUInt16BE(datagram.length - 2)));
});
afterEach(async () => {
  await relay.close();
  for (const socket of [node1, node2]) await new Promise<void>((closed) => socket.close(closed));
});

function bound(address: string): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve) => socket.bind(TUNNEL_PORT, address, () => resolve(socket)));
}

/** A packet from node1 to node2, in its Ethernet frame, in its tunnel. */
function send(number: number): void {
  const datagram = Buffer.alloc(8 + 14 + 20 + 2);
  datagram.writeUInt16BE(0x0800, 8 + 12);
  datagram.writeUInt8(0x45, 8 + 14);
  datagram.set(NODE2.split('.').map(Number), 8 + 14 + 16);
  datagram.writeUInt16BE(number, datagram.length - 2);
  node1.send(datagram, TUNNEL_PORT, HUB);
}

test('a packet is passed on to its destination, once', async () => {
  send(1);
  send(2);
  await waitFor('both', () => arrived.length >= 2);
  expect(new Set(arrived)).toEqual(new Set([1, 2]));
  expect(relay.damage).toEqual({ lost: 0, late: 0 });
});

test('a link that loses everything affects its own direction alone, until it is good again', async () => {
  relay.set(NODE1, NODE2, { lossShare: 1, delayMs: 0, jitterMs: 0 });
  relay.set(NODE2, NODE1, undefined);
  send(1);
  await waitFor('the loss', () => relay.damage.lost === 1);
  relay.set(NODE1, NODE2, undefined);
  send(2);
  await waitFor('the second', () => arrived.length > 0);
  expect(arrived).toEqual([2]);
});

test('a delayed packet is overtaken by a later one over the good link', async () => {
  relay.set(NODE1, NODE2, { lossShare: 0, delayMs: 300, jitterMs: 0 });
  send(1);
  await waitFor('the relay has it', () => relay.damage.late === 1);
  relay.set(NODE1, NODE2, undefined);
  send(2);
  await waitFor('both', () => arrived.length >= 2);
  expect(arrived).toEqual([2, 1]);
});
