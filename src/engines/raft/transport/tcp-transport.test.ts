import net from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { makeTlsMaterial } from '../../../../test/contracts/transport-certificates.ts';
import { RecordingPeer } from '../../../../test/contracts/transport-recording-peer.ts';
import { discardingLogger, tcpHarness, waitUntil } from '../../../../test/contracts/transport-tcp-harness.ts';
import type { TransportHarness } from '../../../../test/contracts/transport-world.ts';
import { parseAddress } from '../../../shared/address.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import type { TlsMaterial } from './sockets.ts';
import { TcpTransport } from './tcp-transport.ts';

const MESSAGE: PeerMessage = { kind: 'proposals-refused', sequences: [1], reason: 'too-busy' };

const harnesses: TransportHarness[] = [];
afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.close();
});

async function startPeer(server: string, tls?: TlsMaterial): Promise<RecordingPeer> {
  const harness = tcpHarness({ limits: { helloTimeoutMs: 500 }, ...(tls === undefined ? {} : { tls }) });
  harnesses.push(harness);
  const peer = new RecordingPeer(server);
  const { transport, address } = await harness.start(peer);
  peer.attach(transport, address);
  return peer;
}

function listen(address: string): Promise<Error | undefined> {
  const transport = new TcpTransport({ listenAddress: parseAddress(address), logger: discardingLogger });
  return new Promise((resolve) => transport.start(new RecordingPeer('a@1'), resolve));
}

test('an address that is in use is named in the error', async () => {
  const { address } = await startPeer('a@1');
  const error = await listen(address);
  expect(error).toMatchObject({ code: 'address_in_use', fields: { address } });
  expect(error?.message).toContain(address);
});

test('an address of another machine is named in the error', async () => {
  const error = await listen('192.0.2.1:7000');
  expect(error).toMatchObject({ code: 'address_unavailable', fields: { address: '192.0.2.1:7000' } });
});

test('a close ends connections that have not said hello yet', async () => {
  const harness = tcpHarness();
  const { transport, address } = await harness.start(new RecordingPeer('a@1'));
  const { host, port } = parseAddress(address);
  const socket = net.connect({ host, port });
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  await waitUntil(() => !socket.connecting, 'the socket is connected');
  await new Promise<void>((resolve) => transport.close(resolve));
  await waitUntil(() => closed, 'the socket is closed');
});

test('a flush hands the messages for every peer to its socket at once', async () => {
  const sender = await startPeer('a@1');
  const others = [await startPeer('b@1'), await startPeer('c@1')];
  sender.connectTo(...others);
  for (const other of others) other.connectTo(sender);
  await waitUntil(() => others.every((other) => sender.isUp(other) && other.isUp(sender)), 'all are up');
  const write = vi.spyOn(net.Socket.prototype, 'write');
  try {
    sender.call((transport) => {
      for (const { server } of others) transport.send(server, MESSAGE);
      expect(write).toHaveBeenCalledTimes(0);
      transport.flush();
      expect(write).toHaveBeenCalledTimes(others.length);
    });
  } finally {
    write.mockRestore();
  }
  await waitUntil(() => others.every(({ received }) => received.length === 1), 'it has arrived');
});

test('a dial that is under way when the transport closes ends with transport_closed', async () => {
  const unresponsive = net.createServer();
  await new Promise<void>((resolve) => unresponsive.listen(0, '127.0.0.1', resolve));
  const harness = tcpHarness();
  const peer = new RecordingPeer('a@1');
  const { transport, address } = await harness.start(peer);
  peer.attach(transport, address);
  const probe = peer.probe(`127.0.0.1:${(unresponsive.address() as net.AddressInfo).port}`);
  peer.call((open) => open.close(() => undefined));
  await waitUntil(() => probe.settled > 0, 'the probe has ended');
  expect(probe.error).toMatchObject({ code: 'transport_closed' });
  unresponsive.close();
});

test('with TLS, no connection is made with a plain peer or one of another authority, in either direction', async () => {
  const ours = await startPeer('ours@1', makeTlsMaterial());
  const foreign = await startPeer('foreign@1', makeTlsMaterial());
  const plain = await startPeer('plain@1');
  ours.connectTo(foreign, plain);
  foreign.connectTo(ours);
  plain.connectTo(ours);
  const failed = (peer: RecordingPeer, other: RecordingPeer): boolean => peer.count('down', other) >= 2;
  await waitUntil(
    () => failed(ours, foreign) && failed(ours, plain) && failed(foreign, ours) && failed(plain, ours),
    'every dial has failed twice',
  );
  expect([ours, foreign, plain].flatMap((peer) => peer.admitted)).toEqual([]);
  expect([ours, foreign, plain].flatMap((peer) => peer.events).filter(({ kind }) => kind === 'up')).toEqual(
    [],
  );
});

test('with TLS, the certificate must name the address that was dialled', async () => {
  const tls = makeTlsMaterial();
  const a = await startPeer('a@1', tls);
  const b = await startPeer('b@1', tls);
  a.call((transport) => transport.setPeers(new Map([['b@1', b.address.replace('127.0.0.1', 'localhost')]])));
  await waitUntil(() => a.count('down', b) > 0, 'the dial has failed');
  expect(a.count('up', b)).toBe(0);
});

test('a peer that dials this node is dialled back at once, whatever the back-off', async () => {
  // The back-off is longer than the test.
  const harness = tcpHarness({ limits: { minBackOffMs: 600_000, maxBackOffMs: 600_000 } });
  harnesses.push(harness);
  const a = new RecordingPeer('a@1');
  const started = await harness.start(a);
  a.attach(started.transport, started.address);
  const b = await startPeer('b@1');
  b.refusals.set('a@1', 'not-member-yet');
  a.connectTo(b);
  await waitUntil(() => a.events.some(({ kind }) => kind === 'refused'), 'the first dial was refused');
  b.refusals.clear();
  b.connectTo(a);
  await waitUntil(() => a.count('up', b) === 1, 'b is connected');
});
