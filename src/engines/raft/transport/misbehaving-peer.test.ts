// The transport facing peers that break the protocol, and programs that are not peers.

import net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordingPeer } from '../../../../test/contracts/transport-recording-peer.ts';
import { tcpHarness, waitUntil } from '../../../../test/contracts/transport-tcp-harness.ts';
import { parseAddress } from '../../../shared/address.ts';
import type { Logger } from '../../../shared/logger.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { encodeFrame, FrameDecoder, MAX_FRAME_PAYLOAD_BYTES } from '../codec/frame.ts';
import { encodePeerMessage } from '../codec/message-codec.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import { decodeHelloAnswer, type Hello, PROTOCOL_VERSION, writeHello, writePreamble } from './hello.ts';
import type { TransportLimits } from './limits.ts';

const introduction = encodePeerMessage({ kind: 'introduction', raftAddress: 'h:1' });
const HELLO: Hello = {
  purpose: 'messages',
  identity: { server: 'b@1', clusterId: 'cluster-1' },
  expectedServer: 'a@1',
};

let closeAll: (() => Promise<void>)[];
let sockets: net.Socket[];
let warnings: string[];

beforeEach(() => {
  closeAll = [];
  sockets = [];
  warnings = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const close of closeAll) await close();
});

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => void warnings.push(message),
  error: () => undefined,
};

async function startPeer(limits: Partial<TransportLimits> = {}): Promise<RecordingPeer> {
  const harness = tcpHarness({ limits, logger });
  const peer = new RecordingPeer('a@1');
  const { transport, address } = await harness.start(peer);
  peer.attach(transport, address);
  closeAll.push(() => harness.close());
  return peer;
}

function frameOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return encodeFrame(writer.take());
}

const helloFrame = (hello: Partial<Hello> = {}): Uint8Array =>
  frameOf((writer) => writeHello(writer, { ...HELLO, ...hello }));

/** Dials the peer with a bare socket, and keeps the frames that come back. */
function dialBare(peer: RecordingPeer) {
  const { host, port } = parseAddress(peer.address);
  const socket = net.connect({ host, port });
  sockets.push(socket);
  const state = { socket, frames: [] as Uint8Array[], closed: false };
  const decoder = new FrameDecoder();
  socket.on('data', (chunk) => {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) state.frames.push(frame);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.closed = true;
  });
  return state;
}

async function expectHealthy(peer: RecordingPeer): Promise<void> {
  const good = dialBare(peer);
  const before = peer.received.length;
  good.socket.write(helloFrame({ identity: { server: 'good@1', clusterId: 'cluster-1' } }));
  good.socket.write(encodeFrame(introduction));
  await waitUntil(() => peer.received.length > before, 'a proper peer is served');
  good.socket.destroy();
}

/** Starts a server that is not a transport: it hands each connection to `onSocket`. */
async function startFake(onSocket: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAll.push(async () => void server.close());
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

function setPeer(peer: RecordingPeer, address: string, server = 'b@1'): void {
  peer.call((transport) => transport.setPeers(new Map([[server, address]])));
}

const raftMessage = (from: string, to: string): Uint8Array =>
  encodePeerMessage({
    kind: 'raft',
    message: { kind: 'timeout-now', from, to, term: 1 },
  } satisfies PeerMessage);

test.each<[string, () => Uint8Array]>([
  ['garbage', () => new TextEncoder().encode('GET / HTTP/1.1\r\nHost: printer\r\n\r\n')],
  ['a long hello', () => encodeFrame(new Uint8Array(5_000))],
  ['a frame that is not a hello', () => encodeFrame(introduction)],
  ['a hello with a wrong checksum', () => helloFrame().map((byte, at) => (at === 5 ? byte ^ 1 : byte))],
])('%s instead of a hello closes that connection alone, with a warning', async (_, bytes) => {
  const peer = await startPeer();
  const bad = dialBare(peer);
  bad.socket.write(bytes());
  await waitUntil(() => bad.closed, 'the connection is closed');
  expect(warnings).toEqual(['dropped a connection']);
  expect(peer.admitted).toEqual([]);
  await expectHealthy(peer);
});

function headerOf(length: number): Uint8Array {
  const [high, middle, low] = [length >>> 16, (length >>> 8) & 0xff, length & 0xff];
  return new Uint8Array([high, middle, low, high ^ middle ^ low ^ 0xff, 0, 0, 0, 0]);
}

test.each<[string, () => Uint8Array]>([
  ['the header of a frame that is too long', () => headerOf(MAX_FRAME_PAYLOAD_BYTES + 1)],
  [
    'a frame with a wrong checksum',
    () => encodeFrame(introduction).map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
  ],
  ['a frame that holds no message', () => encodeFrame(new Uint8Array([99]))],
  ['a message from another server', () => encodeFrame(raftMessage('c@1', 'a@1'))],
  ['a message to another server', () => encodeFrame(raftMessage('b@1', 'c@1'))],
])('%s closes an accepted connection, and is not delivered', async (_, bytes) => {
  const peer = await startPeer();
  const bad = dialBare(peer);
  bad.socket.write(helloFrame());
  bad.socket.write(bytes());
  await waitUntil(() => bad.closed, 'the connection is closed');
  expect(peer.received).toEqual([]);
  expect(warnings).toEqual(['dropped a connection']);
  await expectHealthy(peer);
});

test('a hello that does not arrive in time closes the connection', async () => {
  const peer = await startPeer({ helloTimeoutMs: 50 });
  const slow = dialBare(peer);
  slow.socket.write(helloFrame().subarray(0, 10));
  await waitUntil(() => slow.closed, 'the connection is closed');
  expect(peer.admitted).toEqual([]);
});

test('a hello of another version is refused with the reason `version`', async () => {
  const peer = await startPeer();
  const newer = dialBare(peer);
  newer.socket.write(frameOf((writer) => writePreamble(writer, PROTOCOL_VERSION + 1)));
  await waitUntil(() => newer.closed, 'the connection is closed');
  expect(newer.frames.map(decodeHelloAnswer)).toEqual([{ kind: 'refused', reason: 'version' }]);
});

test('an answer of another version is reported as a refusal', async () => {
  const peer = await startPeer();
  const address = await startFake((socket) => {
    socket.on('data', () => socket.write(frameOf((writer) => writePreamble(writer, PROTOCOL_VERSION + 1))));
  });
  setPeer(peer, address);
  await waitUntil(() => peer.events.length > 0, 'the refusal is reported');
  expect(peer.events[0]).toEqual({ kind: 'refused', server: 'b@1', reason: 'version' });
});

test('connections over the limit are dropped, and accepted again once others have closed', async () => {
  const peer = await startPeer({ maxInboundConnections: 3 });
  const held = [dialBare(peer), dialBare(peer), dialBare(peer)];
  for (const [at, { socket }] of held.entries()) {
    socket.write(helloFrame({ identity: { server: `peer${at}@1`, clusterId: 'cluster-1' } }));
  }
  await waitUntil(() => held.every(({ frames }) => frames.length > 0), 'three are accepted');
  const extra = dialBare(peer);
  await waitUntil(() => extra.closed, 'the fourth is dropped');
  for (const { socket } of held) socket.destroy();
  const late = await startPeer();
  setPeer(late, peer.address, 'a@1');
  await waitUntil(() => late.events.some(({ kind }) => kind === 'up'), 'one more is accepted');
});

test('a hundred peers are served at the same time', async () => {
  const peer = await startPeer();
  for (let count = 0; count < 100; count++) {
    const { socket } = dialBare(peer);
    socket.write(helloFrame({ identity: { server: `peer${count}@1`, clusterId: 'cluster-1' } }));
    socket.write(encodeFrame(introduction));
  }
  await waitUntil(() => peer.received.length === 100, 'all messages have arrived');
  expect(new Set(peer.received.map(({ from }) => from)).size).toBe(100);
});

test('a new connection of a peer replaces its old one', async () => {
  const peer = await startPeer();
  const old = dialBare(peer);
  old.socket.write(helloFrame());
  await waitUntil(() => old.frames.length > 0, 'the old one is accepted');
  const fresh = dialBare(peer);
  fresh.socket.write(helloFrame());
  await waitUntil(() => old.closed && fresh.frames.length > 0, 'the new one has replaced it');
  fresh.socket.write(encodeFrame(introduction));
  await waitUntil(() => peer.received.length > 0, 'its message has arrived');
});

test('one receipt confirms all messages of an interval', async () => {
  const peer = await startPeer({ receiptIntervalMs: 20 });
  const { socket, frames } = dialBare(peer);
  socket.write(helloFrame());
  await waitUntil(() => frames.length > 0, 'the hello is answered');
  socket.write(Buffer.concat([encodeFrame(introduction), encodeFrame(introduction)]));
  await waitUntil(() => frames.length > 1, 'a receipt has come');
  expect(frames[1]).toHaveLength(0);
});

test('a part of a long message is confirmed as well', async () => {
  const peer = await startPeer({ receiptIntervalMs: 20 });
  const { socket, frames } = dialBare(peer);
  socket.write(helloFrame());
  await waitUntil(() => frames.length > 0, 'the hello is answered');
  socket.write(encodeFrame(new Uint8Array(1_000_000)).subarray(0, 1_000));
  await waitUntil(() => frames.length > 1, 'a receipt has come');
  expect(peer.received).toEqual([]);
});

test.each<[string, 'closed' | 'unreachable', (socket: net.Socket) => void]>([
  ['never answers', 'unreachable', () => undefined],
  ['closes without an answer', 'closed', (socket) => void socket.on('data', () => socket.end())],
  ['answers with garbage', 'closed', (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
])('a server that %s counts as %s', async (_, cause, behaviour) => {
  const peer = await startPeer({ helloTimeoutMs: 50 });
  setPeer(peer, await startFake(behaviour));
  await waitUntil(() => peer.events.length > 0, 'the dial has failed');
  expect(peer.events[0]).toEqual({ kind: 'down', server: 'b@1', cause });
});

test('a peer that does not confirm messages is unreachable, although its system takes the bytes', async () => {
  const mute = await startPeer({ receiptIntervalMs: 1_000_000 });
  const peer = await startPeer({ receiptTimeoutMs: 50 });
  setPeer(peer, mute.address, 'a@1');
  await waitUntil(() => peer.events.length > 0, 'the connection is up');
  peer.send(mute, { kind: 'introduction', raftAddress: 'h:1' });
  await waitUntil(() => peer.events.length > 1, 'the connection is dropped');
  expect(peer.events[1]).toEqual({ kind: 'down', server: 'a@1', cause: 'unreachable' });
});

test('a peer whose address cannot be read is unreachable', async () => {
  const peer = await startPeer();
  setPeer(peer, 'no address at all');
  await waitUntil(() => peer.events.length > 1, 'two dials have failed');
  expect(peer.events[1]).toEqual({ kind: 'down', server: 'b@1', cause: 'unreachable' });
});
