import net from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { waitUntil } from '../../../../test/contracts/transport-tcp-harness.ts';
import { encodeFrame } from '../codec/frame.ts';
import { FrameConnection } from './frame-connection.ts';
import { DEFAULT_LIMITS, type TransportLimits } from './limits.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Opens a connection whose far end is a bare socket. */
async function openPair(limits: Partial<TransportLimits> = {}) {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const far = await accepted;
  far.on('error', () => undefined);
  cleanUps.push(() => {
    socket.destroy();
    far.destroy();
    server.close();
  });
  await waitUntil(() => !socket.connecting, 'the socket is connected');
  const connection = new FrameConnection(socket, { ...DEFAULT_LIMITS, ...limits }, 'far end');
  return { connection, socket, far };
}

test('all frames of one turn leave in one write', async () => {
  const { connection, socket, far } = await openPair();
  const write = vi.spyOn(socket, 'write');
  let receivedBytes = 0;
  far.on('data', (chunk) => {
    receivedBytes += chunk.length;
  });
  const payload = new Uint8Array(100);
  for (let sent = 0; sent < 50; sent++) connection.queue((writer) => writer.raw(payload));
  await waitUntil(() => receivedBytes === 50 * encodeFrame(payload).length, 'all frames have arrived');
  expect(write).toHaveBeenCalledTimes(1);
});

test('a flush sends queued frames at once, and later frames of the same turn follow them', async () => {
  const { connection, socket, far } = await openPair();
  const write = vi.spyOn(socket, 'write');
  const received: number[] = [];
  far.on('data', (chunk) => received.push(...chunk));
  const [one, two, three] = [1, 2, 3].map((byte) => new Uint8Array([byte])) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  connection.flush();
  expect(write).toHaveBeenCalledTimes(0);
  connection.queue((writer) => writer.raw(one));
  connection.flush();
  expect(write).toHaveBeenCalledTimes(1);
  connection.queue((writer) => writer.raw(two));
  connection.queue((writer) => writer.raw(three));
  const all = [one, two, three].flatMap((payload) => [...encodeFrame(payload)]);
  await waitUntil(() => received.length === all.length, 'all frames have arrived');
  expect(received).toEqual(all);
  expect(write).toHaveBeenCalledTimes(2);
});

test('a long payload is sent without a copy, between the frames queued before and after it', async () => {
  const { connection, far } = await openPair();
  const received: Buffer[] = [];
  far.on('data', (chunk) => received.push(chunk));
  const long = new Uint8Array(300_000).map((_, at) => at % 251);
  const [one, two] = [new Uint8Array([1]), new Uint8Array([2])];
  let isSent = false;
  connection.queue((writer) => writer.raw(one));
  connection.send(long, () => {
    isSent = true;
  });
  connection.queue((writer) => writer.raw(two));
  expect(isSent).toBe(false);
  const all = Buffer.concat([one, long, two].map(encodeFrame));
  await waitUntil(() => Buffer.concat(received).length === all.length, 'all frames have arrived');
  expect(Buffer.concat(received).equals(all)).toBe(true);
  expect(isSent).toBe(true);
});

test('a long payload over the bounds of the queue is our bug, and a closing connection drops it', async () => {
  const { connection } = await openPair({ maxQueuedFrames: 2, maxQueuedBytes: 1_000 });
  const send = (bytes: number) => (): void => connection.send(new Uint8Array(bytes), () => undefined);
  const tooEarly = 'a channel takes the next frame when the last is sent';
  expect(send(1_000)).toThrow(tooEarly);
  expect(connection.queue((writer) => writer.raw(new Uint8Array(500)))).toBe(true);
  expect(send(500)).toThrow(tooEarly);
  expect(send(10)).not.toThrow();
  expect(send(10)).toThrow(tooEarly);
  connection.close();
  expect(send(10)).not.toThrow();
});

test('the queue is bounded in frames and in bytes', async () => {
  const { connection } = await openPair({ maxQueuedFrames: 2, maxQueuedBytes: 1_000 });
  expect(connection.queue((writer) => writer.raw(new Uint8Array(1_000)))).toBe(false);
  expect(connection.queue((writer) => writer.raw(new Uint8Array(10)))).toBe(true);
  expect(connection.queue((writer) => writer.raw(new Uint8Array(10)))).toBe(true);
  expect(connection.queue((writer) => writer.raw(new Uint8Array(10)))).toBe(false);
});

test('a connection that no longer takes bytes is dropped', async () => {
  const { connection, far } = await openPair({ writeStallMs: 50 });
  far.pause();
  const closes: (Error | undefined)[] = [];
  connection.onClose = (error) => closes.push(error);
  const payload = new Uint8Array(1024 * 1024);
  while (connection.queue((writer) => writer.raw(payload)));
  await waitUntil(() => closes.length > 0, 'the connection is dropped');
  expect(closes).toEqual([expect.objectContaining({ code: 'unreachable' })]);
});

test('an orderly close sends the queue first', async () => {
  const { connection, far } = await openPair();
  const received: number[] = [];
  let ended = false;
  far.on('data', (chunk) => received.push(...chunk));
  far.on('end', () => {
    ended = true;
  });
  connection.queue((writer) => writer.raw(new Uint8Array([1, 2, 3])));
  connection.close();
  expect(connection.queue((writer) => writer.raw(new Uint8Array([4])))).toBe(false);
  await waitUntil(() => ended, 'the far end has seen the close');
  expect(received).toEqual([...encodeFrame(new Uint8Array([1, 2, 3]))]);
});

test('frames of the same chunk are not delivered once the connection is closing', async () => {
  const { connection, far } = await openPair();
  const frames: number[] = [];
  connection.onFrame = (frame) => {
    frames.push(frame.length);
    connection.close();
  };
  far.write(Buffer.concat([encodeFrame(new Uint8Array(1)), encodeFrame(new Uint8Array(2))]));
  let closed = false;
  connection.onClose = () => {
    closed = true;
  };
  await waitUntil(() => closed, 'the connection is closed');
  expect(frames).toEqual([1]);
});

test('a stream that ends in the middle of a frame is an error, one that ends between frames is not', async () => {
  for (const [bytes, error] of [
    [encodeFrame(new Uint8Array(5)).subarray(0, 9), expect.objectContaining({ code: 'malformed' })],
    [encodeFrame(new Uint8Array(5)), undefined],
  ] as const) {
    const { connection, far } = await openPair();
    const closes: (Error | undefined)[] = [];
    connection.onClose = (closedBy) => closes.push(closedBy);
    far.end(bytes);
    await waitUntil(() => closes.length > 0, 'the connection is closed');
    expect(closes).toEqual([error]);
  }
});
