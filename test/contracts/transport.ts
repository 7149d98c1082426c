// The contract of every Transport, real or simulated. Channels and probes are in transport-channels.ts.

import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import { channelTests, probeTests } from './transport-channels.ts';
import { RecordingPeer } from './transport-recording-peer.ts';
import { type CuttableHarness, type TransportHarness, worldPerTest } from './transport-world.ts';

const heartbeat = (from: RecordingPeer, to: RecordingPeer, readRound: number): PeerMessage => ({
  kind: 'raft',
  message: {
    kind: 'heartbeat-request',
    from: from.server,
    to: to.server,
    term: 1,
    commitIndex: 0,
    readRound,
  },
});

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

export function transportContract(name: string, makeHarness: () => TransportHarness): void {
  describe(`the transport contract, held by ${name}`, () => {
    const world = worldPerTest(makeHarness);
    const { start, startPair, connectedPair, stop, until } = world;

    describe('messages', () => {
      test('arrive whole, in the order they were sent, with the sender that the hello named', async () => {
        const [a, b] = await connectedPair();
        const sent: PeerMessage[] = Array.from({ length: 500 }, (_, round) => heartbeat(a, b, round));
        sent.push({
          kind: 'forwarded-proposals',
          proposals: [bytes(), bytes(1, 2, 3), new Uint8Array(300_000)],
        });
        sent.push({ kind: 'introduction', raftAddress: 'host:1' });
        for (const message of sent) expect(a.send(b, message)).toBe(true);
        await until(() => b.received.length >= sent.length, 'all messages have arrived');
        expect(b.received).toEqual(sent.map((message) => ({ from: 'a@1', message })));
        expect(a.received).toEqual([]);
      });

      test('flow in both directions at once', async () => {
        const [a, b] = await connectedPair();
        a.send(b, heartbeat(a, b, 1));
        b.send(a, heartbeat(b, a, 2));
        await until(() => a.received.length > 0 && b.received.length > 0, 'both have received a message');
      });

      test('are dropped, and `send` returns false, while the peer is unknown or not connected', async () => {
        const [a, b] = await startPair();
        expect(a.send(b, heartbeat(a, b, 1))).toBe(false);
        a.connectTo(b);
        expect(a.send(b, heartbeat(a, b, 2))).toBe(false);
        await until(() => a.isUp(b), 'a is connected');
        expect(a.send(b, heartbeat(a, b, 3))).toBe(true);
        await until(() => b.received.length > 0, 'the message has arrived');
        expect(b.received).toEqual([{ from: 'a@1', message: heartbeat(a, b, 3) }]);
      });

      test('sent from within onPeerUp are the first to arrive', async () => {
        const [a, b] = await startPair();
        const inherited = a.onPeerUp.bind(a);
        a.onPeerUp = (server) => {
          inherited(server);
          a.send(b, { kind: 'introduction', raftAddress: a.address });
        };
        a.connectTo(b);
        await until(() => a.isUp(b), 'a is connected');
        a.send(b, heartbeat(a, b, 1));
        await until(() => b.received.length === 2, 'both messages have arrived');
        expect(b.received.map(({ message }) => message.kind)).toEqual(['introduction', 'raft']);
      });

      test('that exceed the bound of the queue are dropped, and all others arrive in order', async () => {
        const [a, b] = await connectedPair();
        const MAX_TRIES = 5_000;
        const padding = new Uint8Array(64 * 1024);
        let accepted = 0;
        while (accepted < MAX_TRIES) {
          const mark = bytes(accepted >>> 8, accepted & 0xff);
          if (!a.send(b, { kind: 'forwarded-proposals', proposals: [mark, padding] })) break;
          accepted++;
        }
        expect(accepted).toBeGreaterThan(0);
        expect(accepted).toBeLessThan(MAX_TRIES);
        await until(() => b.received.length >= accepted, 'all accepted messages have arrived');
        const marks = b.received.map(({ message }) =>
          message.kind === 'forwarded-proposals' ? [...(message.proposals[0] ?? [])] : [],
        );
        expect(marks).toEqual(Array.from({ length: accepted }, (_, at) => [at >>> 8, at & 0xff]));
        expect(a.send(b, heartbeat(a, b, 1))).toBe(true);
      });
    });

    describe('the hello', () => {
      test('tells the accepting side which server dials, before anything else', async () => {
        const [a, b] = await startPair();
        a.connectTo(b);
        await until(() => a.isUp(b), 'a is connected');
        expect(b.admitted).toEqual([{ server: 'a@1', clusterId: 'cluster-1' }]);
      });

      test('from another cluster is refused at every attempt, and the dialler gets the reason', async () => {
        const a = await start(new RecordingPeer('a@1', 'cluster-2'));
        const b = await start(new RecordingPeer('b@1', 'cluster-1'));
        a.connectTo(b);
        await until(() => a.count('refused', b) >= 2, 'a was refused twice');
        expect(
          a.events.every((event) => event.kind === 'refused' && event.reason === 'foreign-cluster'),
        ).toBe(true);
        expect(a.send(b, heartbeat(a, b, 1))).toBe(false);
        expect(b.received).toEqual([]);
      });

      test('that expects another server is refused as wrong-server', async () => {
        const [a, b] = await startPair();
        const earlierIncarnation = { server: 'b@0', address: b.address };
        a.call((transport) => transport.setPeers(new Map([[earlierIncarnation.server, b.address]])));
        await until(() => a.count('refused', earlierIncarnation) > 0, 'a was refused');
        expect(a.events[0]).toEqual({ kind: 'refused', server: 'b@0', reason: 'wrong-server' });
      });

      test('is repeated after a refusal, and succeeds once the peer admits it', async () => {
        const [a, b] = await startPair();
        b.refusals.set('a@1', 'not-member-yet');
        a.connectTo(b);
        await until(() => a.count('refused', b) > 0, 'a was refused');
        b.refusals.clear();
        await until(() => a.isUp(b), 'a is admitted');
      });

      test('is accepted by a node that belongs to no cluster yet', async () => {
        const a = await start(new RecordingPeer('a@1'));
        const b = await start(new RecordingPeer('b@1', ''));
        a.connectTo(b);
        await until(() => a.isUp(b), 'a is connected');
      });
    });

    describe('the set of peers', () => {
      test('that loses a peer closes both connections with it, and reports nothing more about it', async () => {
        const [a, b] = await connectedPair();
        a.connectTo();
        expect(a.send(b, heartbeat(a, b, 1))).toBe(false);
        const reported = a.events.length;
        // b must say hello again, and is refused.
        a.refusals.set('b@1', 'removed');
        await until(() => b.count('refused', a) > 0, 'b was refused');
        expect(b.events.slice(-2)).toEqual([
          { kind: 'down', server: 'a@1', cause: 'closed' },
          { kind: 'refused', server: 'a@1', reason: 'removed' },
        ]);
        expect(a.events.length).toBe(reported);
      });

      test('that still has a peer at the same address keeps the connection with it', async () => {
        const [a, b] = await connectedPair();
        const c = await start(new RecordingPeer('c@1'));
        a.connectTo(b, c);
        await until(() => a.isUp(c), 'a is connected to c');
        expect(a.count('down', b) + b.count('down', a)).toBe(0);
        expect(b.admitted).toHaveLength(1);
      });

      test('with a new address of a peer dials there', async () => {
        const [a, b] = await connectedPair();
        await stop(b);
        const moved = await start(new RecordingPeer('b@1'));
        expect(moved.address).not.toBe(b.address);
        a.connectTo(moved);
        await until(() => a.count('up', b) === 2, 'a is connected to the new address');
        a.send(moved, heartbeat(a, b, 1));
        await until(() => moved.received.length > 0, 'the message has arrived there');
      });

      test('with a new address of a connected peer reports it down, then up at the new address', async () => {
        const [a, b] = await startPair();
        const twin = await start(new RecordingPeer('b@1'));
        a.connectTo(b);
        await until(() => a.isUp(b), 'a is connected');
        a.connectTo(twin);
        await until(() => a.count('up', b) === 2, 'a is connected to the new address');
        expect(a.events.map((event) => event.kind)).toEqual(['up', 'down', 'up']);
        expect(twin.admitted).toHaveLength(1);
      });
    });

    describe('a peer that stops', () => {
      test('is reported down, then as refused when no process listens there', async () => {
        const [a, b] = await connectedPair();
        await stop(b);
        await until(() => a.count('down', b) >= 3, 'two dials of a have failed');
        expect(a.events.slice(0, 3)).toEqual([
          { kind: 'up', server: 'b@1' },
          { kind: 'down', server: 'b@1', cause: 'closed' },
          { kind: 'down', server: 'b@1', cause: 'refused' },
        ]);
        expect(a.send(b, heartbeat(a, b, 1))).toBe(false);
      });

      test('and starts again is dialled again, without another setPeers', async () => {
        const [a, b] = await connectedPair();
        await stop(b);
        await until(() => a.count('down', b) >= 2, 'a has noticed');
        const again = await start(new RecordingPeer('b@1'), b.address);
        await until(() => a.isUp(b), 'a is connected again');
        a.send(again, heartbeat(a, again, 7));
        await until(() => again.received.length > 0, 'the message has arrived');
        expect(again.received).toEqual([{ from: 'a@1', message: heartbeat(a, again, 7) }]);
      });

      test('gets no callback after its own close, and its peers get no message from it', async () => {
        const [a, b] = await connectedPair();
        await stop(a);
        const events = a.events.length;
        await until(() => b.count('down', a) >= 2, 'b has noticed');
        expect(a.events.length).toBe(events);
        expect(a.send(b, heartbeat(a, b, 1))).toBe(false);
        expect(b.received).toEqual([]);
      });
    });

    channelTests(world);
    probeTests(world);
  });
}

/** The additional contract of worlds whose network can be cut. */
export function cutNetworkContract(name: string, makeHarness: () => CuttableHarness): void {
  test(`a cut of the network is noticed, and the peers reconnect once it heals: ${name}`, async () => {
    const harness = makeHarness();
    const [a, b] = [new RecordingPeer('a@1'), new RecordingPeer('b@1')];
    for (const peer of [a, b]) {
      const started = await harness.start(peer);
      peer.attach(started.transport, started.address);
    }
    a.connectTo(b);
    await harness.until(() => a.isUp(b), 'a is connected');
    harness.cut(a.address, b.address);
    a.send(b, heartbeat(a, b, 1));
    await harness.until(() => a.count('down', b) > 0, 'a has noticed');
    harness.heal(a.address, b.address);
    await harness.until(() => a.isUp(b), 'a is connected again');
    a.send(b, heartbeat(a, b, 2));
    await harness.until(() => b.received.length > 0, 'messages flow again');
    expect(b.received).toEqual([{ from: 'a@1', message: heartbeat(a, b, 2) }]);
    await harness.close();
    expect([...a.violations, ...b.violations]).toEqual([]);
  });
}
