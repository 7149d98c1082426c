import { expect, test } from 'vitest';
import { CodedError } from '../../../../shared/coded-error.ts';
import { initialRecords, putApplied } from '../log/durable-records.ts';
import type { Channel, Transport } from '../ports/transport.ts';
import { StateStore } from '../state/state-store.ts';
import { TestClock, TestLogger } from '../testing/clock.ts';
import { configurationOf } from '../testing/core.ts';
import { TestChannel } from '../testing/network.ts';
import { imageOf, TestDisk, TestStore, writesOf } from '../testing/store.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { SnapshotSender } from './snapshot-sender.ts';

const POINT = { index: 40, term: 2, configuration: configurationOf({ a: 'voter' }), configurationIndex: 1 };
const ROWS = 10;
const CHUNK_BYTES = 90;

function createSender({ reachable = true, sentAfterMs = 0, imageIsLate = false } = {}) {
  const clock = new TestClock();
  const disk = new TestDisk();
  const store = new TestStore(clock, disk);
  const logger = new TestLogger();
  const state = new StateStore(store, 1);
  for (let row = 0; row < ROWS; row++) state.put(`key${row}`, 'x'.repeat(20));
  const identity = { server: 'a@1', clusterId: 'ours', boots: 1 };
  const applied = putApplied({ ...POINT, generation: 1 });
  store.write([...initialRecords(identity), ...writesOf(state), applied], () => undefined);
  clock.advance(1);
  const { rows } = disk;
  store.isHeld = imageIsLate;
  const channels: TestChannel[] = [];
  /** Everything that the sender sent, on all channels. */
  const said: SnapshotFrame[] = [];
  const transport = {
    openChannel: (_: string, done: (error: Error | undefined, channel: Channel | undefined) => void) => {
      clock.after(1, () => {
        if (!reachable) {
          done(new CodedError('unreachable', 'nobody there'), undefined);
          return;
        }
        const [ours, theirs] = TestChannel.pair([clock, clock]);
        ours.sentAfterMs = sentAfterMs;
        theirs.onFrame = (bytes) => said.push(decodeSnapshotFrame(bytes));
        channels.push(theirs);
        done(undefined, ours);
      });
    },
  } as unknown as Transport;
  const outcomes: (number | undefined)[] = [];
  const sender = new SnapshotSender(
    { store, transport, clock, logger },
    {
      to: 'b@1',
      term: 2,
      snapshotId: '1-1',
      limits: { snapshotChunkBytes: CHUNK_BYTES, snapshotTimeoutMs: 1_000 },
    },
    (index) => outcomes.push(index),
  );
  const answer = (frame: SnapshotFrame): void => {
    channels.at(-1)?.send(encodeSnapshotFrame(frame), () => undefined);
    clock.advance(5);
  };
  const chunks = () => said.flatMap((frame) => (frame.kind === 'chunk' ? [frame] : []));
  /** Answers everything, like a follower. */
  const takeAll = (): void => {
    answer({ kind: 'resume', offset: 0 });
    for (let taken = 0; taken < chunks().length; taken++) acknowledge(taken);
  };
  const acknowledge = (number: number): void => {
    const { offset, bytes } = chunks()[number] ?? { offset: 0, bytes: new Uint8Array(0) };
    answer({ kind: 'acknowledged', offset: offset + bytes.length });
  };
  clock.advance(5);
  return {
    rows,
    acknowledge,
    clock,
    store,
    sender,
    channels,
    said,
    chunks,
    outcomes,
    answer,
    takeAll,
    logger,
  };
}

function joined(chunks: readonly (SnapshotFrame & { kind: 'chunk' })[]): Uint8Array {
  return new Uint8Array(chunks.flatMap(({ bytes }) => [...bytes]));
}

test('the whole image is sent once, in order, and the sender is done when it is installed', () => {
  const { said, chunks, takeAll, answer, outcomes, store, rows } = createSender();
  takeAll();
  const image = joined(chunks());
  expect(image).toEqual(imageOf(rows));
  const sizeBytes = image.length;
  expect(said[0]).toMatchObject({ kind: 'begin', snapshotId: '1-1', term: 2, point: POINT, sizeBytes });
  expect(chunks().every(({ offset }, number) => offset === number * CHUNK_BYTES)).toBe(true);
  expect(outcomes).toEqual([]);
  answer({ kind: 'installed', index: 40 });
  expect(outcomes).toEqual([40]);
  expect(store.images.map(({ isClosed }) => isClosed)).toEqual([true]);
});

test("the sender's point is the image's, whatever the node has done since", () => {
  const { clock, store, sender, said } = createSender({ imageIsLate: true });
  expect([sender.point, said]).toEqual([undefined, []]);
  store.isHeld = false;
  store.write([putApplied({ ...POINT, index: 41, generation: 1 })], () => undefined);
  clock.advance(2);
  store.release();
  clock.advance(5);
  store.write([putApplied({ ...POINT, index: 42, generation: 1 })], () => undefined);
  clock.advance(5);
  expect(sender.point).toMatchObject({ index: 41 });
  expect(said).toMatchObject([{ kind: 'begin', point: { index: 41 } }]);
});

test('a store that has no image is a failure, and one that comes too late is closed', () => {
  const { clock, store, outcomes } = createSender({ imageIsLate: true });
  store.failure = 'disk_full';
  store.release();
  clock.advance(5);
  expect(outcomes).toEqual([undefined]);
  const late = createSender({ imageIsLate: true });
  late.sender.cancel('the test says so');
  late.store.release();
  late.clock.advance(5);
  expect(late.store.images.map(({ isClosed }) => isClosed)).toEqual([true]);
  expect(late.channels).toEqual([]);
});

test('the number of chunks under way is bounded (trap 36)', () => {
  const { clock, answer, acknowledge, chunks } = createSender();
  answer({ kind: 'resume', offset: 0 });
  clock.advance(100);
  expect(chunks()).toHaveLength(4);
  acknowledge(0);
  expect(chunks()).toHaveLength(5);
  // A repeated acknowledgement, as it comes while the image is checked, makes no room for a chunk.
  acknowledge(0);
  expect(chunks()).toHaveLength(5);
});

test("a follower that answers before the sender's buffers are empty gets the next chunk", () => {
  const { answer, clock, chunks } = createSender({ sentAfterMs: 20 });
  answer({ kind: 'resume', offset: 0 });
  clock.advance(100);
  expect(chunks().length).toBeGreaterThan(0);
});

test('a broken connection is replaced, and the follower says where to continue', () => {
  const { clock, answer, acknowledge, channels, chunks, said, outcomes, rows } = createSender();
  answer({ kind: 'resume', offset: 0 });
  channels[0]?.break();
  clock.advance(500);
  expect(channels).toHaveLength(2);
  expect(said.filter(({ kind }) => kind === 'begin')).toMatchObject([
    { snapshotId: '1-1' },
    { snapshotId: '1-1' },
  ]);
  const before = chunks().length;
  answer({ kind: 'resume', offset: 300 });
  for (let number = before; number < chunks().length; number++) acknowledge(number);
  expect(joined(chunks().slice(before))).toEqual(imageOf(rows).subarray(300));
  expect(outcomes).toEqual([]);
});

test('a connection that keeps breaking is a failure (trap 23)', () => {
  const { clock, channels, outcomes, store } = createSender();
  for (let more = 0; more < 6; more++) {
    channels.at(-1)?.break();
    clock.advance(300);
  }
  expect(outcomes).toEqual([undefined]);
  expect(store.images[0]?.isClosed).toBe(true);
});

test('a follower that cannot be reached is a failure', () => {
  const { clock, outcomes } = createSender({ reachable: false });
  clock.advance(5_000);
  expect(outcomes).toEqual([undefined]);
});

test('silence is a failure, and progress is not silence', () => {
  const { clock, answer, acknowledge, outcomes } = createSender();
  answer({ kind: 'resume', offset: 0 });
  clock.advance(900);
  acknowledge(0);
  clock.advance(900);
  expect(outcomes).toEqual([]);
  clock.advance(200);
  expect(outcomes).toEqual([undefined]);
});

test.each([
  ['refuses', encodeSnapshotFrame({ kind: 'refused', reason: 'no' })],
  ['wants what is not there', encodeSnapshotFrame({ kind: 'resume', offset: 1_000_000 })],
  ['sends nonsense', new Uint8Array([99])],
  ['speaks like a leader', encodeSnapshotFrame({ kind: 'chunk', offset: 0, bytes: new Uint8Array(1) })],
])('a follower that %s ends it', (_, bytes) => {
  const { clock, channels, outcomes } = createSender();
  channels[0]?.send(bytes, () => undefined);
  clock.advance(5);
  expect(outcomes).toEqual([undefined]);
});

test('a sender ends once, whatever happens afterwards', () => {
  const { clock, sender, answer, channels, outcomes } = createSender();
  sender.cancel('the test says so');
  sender.cancel('again');
  answer({ kind: 'installed', index: 40 });
  channels[0]?.break();
  clock.advance(10_000);
  expect(outcomes).toEqual([undefined]);
});

test('a sender that is cancelled while it connects closes the new connection', () => {
  const { clock, sender, channels, outcomes } = createSender();
  channels[0]?.break();
  clock.advance(200);
  sender.cancel('the test says so');
  clock.advance(100);
  expect(channels.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(outcomes).toEqual([undefined]);
});

test('between two chunks other work has three turns of the event loop, however long they are', () => {
  const { clock, answer, chunks } = createSender();
  // Each turn takes 30 ms, most of it for other work. Reading a chunk takes a turn, too.
  clock.soon = (action) => clock.after(30, action);
  answer({ kind: 'resume', offset: 0 });
  clock.advance(30);
  expect(chunks()).toHaveLength(1);
  clock.advance(90 + 25);
  expect(chunks()).toHaveLength(1);
  clock.advance(10);
  expect(chunks()).toHaveLength(2);
});
