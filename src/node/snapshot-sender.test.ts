import { expect, test } from 'vitest';
import { CodedError } from '../shared/coded-error.ts';
import { initialRecords, putApplied } from './log-store.ts';
import type { Channel, Transport } from './ports.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { StateStore } from './state-store.ts';
import { TestClock, TestLogger } from './test-clock.ts';
import { configurationOf } from './test-core.ts';
import { TestChannel } from './test-network.ts';
import { keysIn } from './test-snapshot-rows.ts';
import { TestStore } from './test-store.ts';

const POINT = { index: 40, term: 2, configuration: configurationOf({ a: 'voter' }), configurationIndex: 1 };
const ROWS = 10;

function createSender({ reachable = true, sentAfterMs = 0 } = {}) {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const logger = new TestLogger();
  const state = new StateStore(store, 1);
  for (let row = 0; row < ROWS; row++) state.put(`key${row}`, 'x'.repeat(20));
  const identity = { server: 'a@1', clusterId: 'ours', boots: 1 };
  const applied = putApplied({ ...POINT, generation: 1 });
  store.write([...initialRecords(identity), ...state.takeWrites(), applied], () => undefined);
  clock.advance(1);
  const channels: TestChannel[] = [];
  /** What the sender said, on all channels. */
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
    { to: 'b@1', term: 2, snapshotId: '1-1', chunkBytes: 90, timeoutMs: 1_000 },
    (index) => outcomes.push(index),
  );
  const answer = (frame: SnapshotFrame): void => {
    channels.at(-1)?.send(encodeSnapshotFrame(frame), () => undefined);
    clock.advance(5);
  };
  const chunks = () => said.flatMap((frame) => (frame.kind === 'chunk' ? [frame] : []));
  /** Takes everything, as a follower does. */
  const takeAll = (): void => {
    answer({ kind: 'resume', afterKey: new Uint8Array() });
    for (let taken = 0; taken < chunks().length; taken++) {
      answer({ kind: 'acknowledged', sequence: chunks()[taken]?.sequence ?? 0 });
    }
  };
  clock.advance(5);
  return { clock, store, sender, channels, said, chunks, outcomes, answer, takeAll, logger };
}

test('it sends every row once, says how many there were, and is done when they are installed', () => {
  const { said, chunks, takeAll, answer, outcomes, store } = createSender();
  takeAll();
  const keys = chunks().flatMap(({ rows }) => keysIn(rows));
  expect(keys).toEqual(Array.from({ length: ROWS }, (_, row) => `key${row}`));
  expect(said[0]).toMatchObject({ kind: 'begin', snapshotId: '1-1', term: 2, point: POINT, generation: 1 });
  expect(said.at(-1)).toEqual({ kind: 'end', rowCount: ROWS });
  expect(outcomes).toEqual([]);
  answer({ kind: 'installed', index: 40 });
  expect(outcomes).toEqual([40]);
  expect(store.pictures.map(({ isClosed }) => isClosed)).toEqual([true]);
});

test('only a few chunks are on their way at once (trap 36)', () => {
  const { clock, answer, chunks } = createSender();
  answer({ kind: 'resume', afterKey: new Uint8Array() });
  clock.advance(100);
  expect(chunks()).toHaveLength(4);
  answer({ kind: 'acknowledged', sequence: 0 });
  expect(chunks()).toHaveLength(5);
});

test('a follower that answers before the own buffers are empty is not kept waiting', () => {
  const { answer, clock, chunks } = createSender({ sentAfterMs: 20 });
  answer({ kind: 'resume', afterKey: new Uint8Array() });
  clock.advance(100);
  expect(chunks().length).toBeGreaterThan(0);
});

test('a connection that breaks is replaced, and the follower says where to go on', () => {
  const { clock, answer, channels, chunks, said, outcomes } = createSender();
  answer({ kind: 'resume', afterKey: new Uint8Array() });
  channels[0]?.break();
  clock.advance(500);
  expect(channels).toHaveLength(2);
  expect(said.filter(({ kind }) => kind === 'begin')).toMatchObject([
    { snapshotId: '1-1' },
    { snapshotId: '1-1' },
  ]);
  const before = chunks().length;
  answer({ kind: 'resume', afterKey: new TextEncoder().encode('key7') });
  const rows = chunks()
    .slice(before)
    .flatMap((chunk) => keysIn(chunk.rows));
  expect(rows).toEqual(['key8', 'key9']);
  expect(said.at(-1)).toEqual({ kind: 'end', rowCount: 2 });
  expect(outcomes).toEqual([]);
});

test('a connection that keeps breaking is a failure (trap 23)', () => {
  const { clock, channels, outcomes, store } = createSender();
  for (let more = 0; more < 6; more++) {
    channels.at(-1)?.break();
    clock.advance(300);
  }
  expect(outcomes).toEqual([undefined]);
  expect(store.pictures[0]?.isClosed).toBe(true);
});

test('a follower that cannot be reached is a failure', () => {
  const { clock, outcomes } = createSender({ reachable: false });
  clock.advance(5_000);
  expect(outcomes).toEqual([undefined]);
});

test('silence is a failure, and progress is not silence', () => {
  const { clock, answer, outcomes } = createSender();
  answer({ kind: 'resume', afterKey: new Uint8Array() });
  clock.advance(900);
  answer({ kind: 'acknowledged', sequence: 0 });
  clock.advance(900);
  expect(outcomes).toEqual([]);
  clock.advance(200);
  expect(outcomes).toEqual([undefined]);
});

test.each([
  ['refuses', encodeSnapshotFrame({ kind: 'refused', reason: 'no' })],
  ['sends nonsense', new Uint8Array([99])],
  ['speaks like a leader', encodeSnapshotFrame({ kind: 'end', rowCount: 1 })],
])('a follower that %s ends it', (_, bytes) => {
  const { clock, channels, outcomes } = createSender();
  channels[0]?.send(bytes, () => undefined);
  clock.advance(5);
  expect(outcomes).toEqual([undefined]);
});

test('it ends once, whatever comes after', () => {
  const { clock, sender, answer, channels, outcomes } = createSender();
  sender.cancel('the test says so');
  sender.cancel('again');
  answer({ kind: 'installed', index: 40 });
  channels[0]?.break();
  clock.advance(10_000);
  expect(outcomes).toEqual([undefined]);
});

test('what is cancelled while it connects closes the connection that comes', () => {
  const { clock, sender, channels, outcomes } = createSender();
  channels[0]?.break();
  clock.advance(200);
  sender.cancel('the test says so');
  clock.advance(100);
  expect(channels.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(outcomes).toEqual([undefined]);
});

test('what is written later is not in the picture', () => {
  const { clock, store, takeAll, chunks } = createSender();
  const state = new StateStore(store, 1);
  state.put('later', 1);
  store.write(state.takeWrites(), () => undefined);
  clock.advance(5);
  takeAll();
  expect(chunks().flatMap(({ rows }) => keysIn(rows))).toHaveLength(ROWS);
});

test('a chunk that took long is followed by as long a rest', () => {
  const { clock, answer, chunks } = createSender();
  const now = clock.now.bind(clock);
  let worked = 0;
  // Whoever looks at the clock finds that 40 ms have gone by.
  clock.now = () => now() + 40 * worked++;
  answer({ kind: 'resume', afterKey: new Uint8Array() });
  expect(chunks()).toHaveLength(1);
  clock.advance(30);
  expect(chunks()).toHaveLength(1);
  clock.advance(20);
  expect(chunks()).toHaveLength(2);
});
