// The part of the transport contract (transport.ts) about channels and probes.

import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/engines/raft/codec/crc32.ts';
import { MAX_CHANNEL_FRAME_BYTES } from '../../src/engines/raft/node/ports/transport.ts';
import { present } from '../../src/shared/assert.ts';
import { RecordingPeer } from './transport-recording-peer.ts';
import type { TransportWorld } from './transport-world.ts';

/** Long frames are compared by this, which is faster. */
const digest = (frame: Uint8Array): string => `${frame.length} ${crc32(frame)}`;

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

const coded = (code: string): unknown => expect.objectContaining({ code });

export function channelTests({ until, connectedPair, stop }: TransportWorld): void {
  async function openChannel(from: RecordingPeer, to: RecordingPeer) {
    const known = to.channels.length;
    const attempt = from.openChannel(to.server);
    await until(() => attempt.settled > 0 && to.channels.length > known, 'the channel is open on both sides');
    return {
      near: present(attempt.value, 'the dialler has a channel'),
      far: present(to.channels.at(-1), 'the other side has a channel'),
    };
  }

  describe('a channel', () => {
    test('carries frames in order and in both directions, up to the largest', async () => {
      const [a, b] = await connectedPair();
      const { near, far } = await openChannel(a, b);
      expect([near.peer, far.peer]).toEqual(['b@1', 'a@1']);
      const frames = Array.from({ length: 100 }, (_, at) => bytes(at));
      frames.push(new Uint8Array(0), new Uint8Array(MAX_CHANNEL_FRAME_BYTES).fill(7));
      near.sendAll(frames);
      far.sendAll([bytes(1), bytes(2)]);
      await until(() => far.frames.length >= frames.length, 'all frames have arrived');
      await until(() => near.frames.length >= 2, 'the answers have arrived');
      await until(() => near.sentCount === frames.length, 'the sender knows that they have left');
      expect(far.frames.map(digest)).toEqual(frames.map(digest));
      expect(near.frames).toEqual([bytes(1), bytes(2)]);
    });

    test('delivers the frames sent before its opener closed it, then closes once on both sides', async () => {
      const [a, b] = await connectedPair();
      const { near, far } = await openChannel(a, b);
      near.sendAll([bytes(1), bytes(2)], () => near.close());
      await until(() => near.closes.length > 0 && far.closes.length > 0, 'both sides are closed');
      near.close();
      far.close();
      expect(far.frames).toEqual([bytes(1), bytes(2)]);
      expect([...near.closes, ...far.closes]).toEqual([undefined, undefined]);
    });

    test('can be closed by the accepting side', async () => {
      const [a, b] = await connectedPair();
      const { near, far } = await openChannel(a, b);
      far.close();
      await until(() => near.closes.length > 0 && far.closes.length > 0, 'both sides are closed');
      near.sendAll([bytes(1)]);
      expect([near.closes.length, far.closes.length, far.frames.length]).toEqual([1, 1, 0]);
    });

    test('does not affect messages, and messages do not affect it', async () => {
      const [a, b] = await connectedPair();
      const { near, far } = await openChannel(a, b);
      a.send(b, { kind: 'introduction', raftAddress: a.address });
      near.sendAll([bytes(1)]);
      await until(() => b.received.length === 1 && far.frames.length === 1, 'both have arrived');
      near.close();
      await until(() => far.closes.length > 0, 'the channel is closed');
      expect(a.isUp(b) && b.isUp(a)).toBe(true);
    });

    test('closes on both sides when either process stops', async () => {
      const [a, b] = await connectedPair();
      const { near, far } = await openChannel(a, b);
      await stop(b);
      await until(() => near.closes.length > 0 && far.closes.length > 0, 'both sides are closed');
      expect([near.closes.length, far.closes.length]).toEqual([1, 1]);
    });

    test('to an unknown, a dead or a refusing peer fails with one error', async () => {
      const [a, b] = await connectedPair();
      const unknown = a.openChannel('nobody@1');
      expect(unknown.settled).toBe(0);
      await until(() => unknown.settled > 0, 'the unknown peer is reported');
      expect(unknown.error).toEqual(coded('unknown_peer'));

      b.refusals.set('a@1', 'removed');
      const refused = a.openChannel(b.server);
      await until(() => refused.settled > 0, 'the refusal is reported');
      expect(refused.error).toEqual(coded('peer_refused'));
      expect(b.channels).toEqual([]);

      await stop(b);
      const dead = a.openChannel(b.server);
      await until(() => dead.settled > 0, 'the dead peer is reported');
      expect(dead.error).toEqual(coded('unreachable'));
      expect([unknown.settled, refused.settled, dead.settled]).toEqual([1, 1, 1]);
    });
  });
}

export function probeTests({ until, start, startPair, stop }: TransportWorld): void {
  describe('a probe', () => {
    test('returns the identity of the node at an address, without being admitted', async () => {
      const [a, b] = await startPair();
      b.refusals.set('a@1', 'removed');
      const attempt = a.probe(b.address);
      expect(attempt.settled).toBe(0);
      await until(() => attempt.settled > 0, 'the probe is answered');
      expect(attempt.value).toEqual({ server: 'b@1', clusterId: 'cluster-1' });
      expect([attempt.error, attempt.settled, b.admitted.length]).toEqual([undefined, 1, 0]);
      expect([...a.events, ...b.events]).toEqual([]);
    });

    test('is answered by a node of another cluster, and by one without a cluster', async () => {
      const a = await start(new RecordingPeer('a@1', ''));
      const b = await start(new RecordingPeer('b@1', 'cluster-2'));
      const both = [a.probe(b.address), b.probe(a.address)];
      await until(() => both.every((attempt) => attempt.settled > 0), 'both are answered');
      expect(both.map((attempt) => attempt.value)).toEqual([b.identity(), a.identity()]);
    });

    test('fails where no process listens', async () => {
      const [a, b] = await startPair();
      await stop(b);
      const attempt = a.probe(b.address);
      await until(() => attempt.settled > 0, 'the probe has failed');
      expect([attempt.error, attempt.value]).toEqual([coded('unreachable'), undefined]);
    });
  });
}
