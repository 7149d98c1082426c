// The receiver of a snapshot and its disk, which ends writes late, in any order, or not at all.

import { expect, test } from 'vitest';
import { StateStore } from './state-store.ts';
import { createReceiver, rowOf } from './test-receiver.ts';

test('a chunk is acknowledged when the disk has it', () => {
  const { clock, open, store } = createReceiver();
  const leader = open();
  leader.begin();
  store.isHeld = true;
  leader.chunk(0, rowOf('a', 1));
  leader.end(1);
  expect(leader.kinds()).toEqual(['resume']);
  store.release();
  clock.advance(5);
  expect(leader.kinds()).toEqual(['resume', 'acknowledged']);
});

test('after a cut it goes on behind the last row that is durable', () => {
  const { clock, open, store, installs } = createReceiver();
  const first = open();
  first.begin();
  first.chunk(0, rowOf('a', 1));
  store.isHeld = true;
  first.chunk(1, rowOf('b', 2));
  first.channel.break();
  clock.advance(5);
  const second = open();
  second.begin();
  // Rows that are being written must not come again meanwhile.
  expect(second.answers).toEqual([]);
  store.release();
  clock.advance(5);
  expect(second.answers).toEqual([{ kind: 'resume', afterKey: new TextEncoder().encode('b') }]);
  second.chunk(0, rowOf('c', 3));
  second.end(1);
  expect(installs).toHaveLength(1);
  expect([...new StateStore(store, 2).range({ prefix: '' })]).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
});

test('a chunk that found no room is never skipped: what was staged begins anew (trap 33)', () => {
  const { clock, open, store } = createReceiver();
  const first = open();
  first.begin();
  first.chunk(0, rowOf('a', 1));
  store.isHeld = true;
  first.chunk(1, rowOf('b', 2));
  first.chunk(2, rowOf('c', 3));
  // The second chunk fails, the third finds room again, and the connection breaks before that is said.
  store.failure = 'disk_full';
  store.release();
  clock.runUntil(() => store.pendingWrites === 1, 'the second chunk has failed');
  store.failure = undefined;
  first.channel.break();
  clock.advance(5);
  const second = open();
  second.begin();
  expect(second.answers).toEqual([{ kind: 'resume', afterKey: new Uint8Array() }]);
});

test('a disk that fails stops the node', () => {
  const { open, store, fatal } = createReceiver();
  const leader = open();
  leader.begin();
  store.failure = 'storage_failed';
  leader.chunk(0, rowOf('a', 1));
  expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
});

test('a full disk refuses the snapshot, and does not stop the node', () => {
  const { open, store, fatal } = createReceiver();
  const leader = open();
  leader.begin();
  store.failure = 'disk_full';
  leader.chunk(0, rowOf('a', 1));
  expect([leader.kinds(), fatal]).toEqual([['resume', 'refused'], []]);
});

test('a row that comes twice, or out of order, is refused', () => {
  for (const key of ['b', 'a']) {
    const { open, store, installs } = createReceiver();
    const leader = open();
    leader.begin();
    leader.chunk(0, rowOf('b', 1));
    leader.chunk(1, rowOf(key, 2));
    leader.end(2);
    expect(leader.kinds()).toEqual(['resume', 'acknowledged', 'refused']);
    expect([store.written.length, installs, leader.channel.isOpen]).toEqual([1, [], false]);
  }
});

test('chunks become durable in any order, and count in theirs', () => {
  const { clock, open, store, installs } = createReceiver();
  const leader = open();
  leader.begin();
  store.isHeld = true;
  leader.chunk(0, rowOf('a', 1));
  leader.chunk(1, rowOf('b', 2));
  leader.end(2);
  store.releaseLastApart();
  clock.advance(5);
  expect([leader.kinds(), installs]).toEqual([['resume'], []]);
  leader.channel.break();
  clock.advance(5);
  // The first one fails: what is durable behind it is not gone on from.
  store.failure = 'disk_full';
  store.release();
  clock.advance(5);
  store.failure = undefined;
  const again = open();
  again.begin();
  expect(again.answers).toEqual([{ kind: 'resume', afterKey: new Uint8Array() }]);
});

test('a chunk is acknowledged with all before it, when they are durable', () => {
  const { clock, open, store, installs } = createReceiver();
  const leader = open();
  leader.begin();
  store.isHeld = true;
  for (const [sequence, key] of ['a', 'b', 'c', 'd'].entries()) leader.chunk(sequence, rowOf(key, 1));
  leader.end(4);
  store.releaseLastApart();
  store.releaseLastApart();
  clock.advance(5);
  expect(leader.kinds()).toEqual(['resume']);
  store.release();
  clock.advance(20);
  const acknowledged = leader.answers.flatMap((answer) =>
    answer.kind === 'acknowledged' ? [answer.sequence] : [],
  );
  expect(acknowledged.at(-1)).toBe(3);
  expect(acknowledged).toEqual(acknowledged.toSorted());
  expect(installs).toHaveLength(1);
  expect([...new StateStore(store, 2).range({ prefix: '' })]).toHaveLength(4);
});

test('who waits for the disk is asked again whether it is wanted', () => {
  const { clock, open, store, node } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, rowOf('a', 1));
  const second = open();
  second.begin({ snapshotId: '1-2' });
  const third = open();
  third.begin({ snapshotId: '1-3' });
  expect([first.kinds().at(-1), second.kinds(), third.kinds()]).toEqual(['refused', ['refused'], []]);
  node.term = 3;
  store.release();
  clock.advance(5);
  expect(third.kinds()).toEqual(['refused']);
});

test('who waits for the disk and goes away is forgotten', () => {
  const { clock, open, store, state } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, rowOf('a', 1));
  const second = open();
  second.begin({ snapshotId: '1-2' });
  second.channel.break();
  clock.advance(5);
  store.release();
  clock.advance(5);
  expect(second.kinds()).toEqual([]);
  // No generation was taken for it: 2 is that of the first.
  expect(state.beginStaging()).toBe(3);
});

test('peers that begin again and again do not fill the queue of the store either', () => {
  const { open, store, fatal } = createReceiver();
  store.isHeld = true;
  for (let attempt = 0; attempt < 100; attempt++) {
    const one = open(`peer${attempt}@1`);
    one.begin();
    for (let sequence = 0; sequence < 4; sequence++) one.chunk(sequence, rowOf(`k${sequence}`, 1));
  }
  expect(fatal).toEqual([]);
  expect(store.pendingWrites).toBe(2);
});
