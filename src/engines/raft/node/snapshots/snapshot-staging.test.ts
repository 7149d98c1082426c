// The receiver of a snapshot and its disk, which takes bytes late or not at all.

import { expect, test } from 'vitest';
import { createReceiver, HALF, IMAGE } from '../testing/receiver.ts';

test('a chunk is acknowledged when the store has it', () => {
  const { clock, open, store } = createReceiver();
  const leader = open();
  leader.begin();
  store.isHeld = true;
  leader.chunk(0, HALF);
  expect(leader.kinds()).toEqual(['resume']);
  store.release();
  clock.advance(5);
  expect(leader.kinds()).toEqual(['resume', 'acknowledged']);
});

test('after a broken connection the snapshot continues behind the bytes that the store was given', () => {
  const { clock, open, store, installs } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, HALF);
  first.channel.break();
  clock.advance(5);
  const second = open();
  second.begin();
  // Chunks at the store count: a new connection must not add to them.
  expect(second.answers).toEqual([]);
  store.release();
  clock.advance(5);
  expect(second.answers).toEqual([{ kind: 'resume', offset: HALF }]);
  second.chunk(HALF, IMAGE.length);
  expect(installs).toHaveLength(1);
  expect(store.stagings).toHaveLength(1);
});

test('a leader whose connection breaks while the image is checked is told on the next connection', () => {
  const { clock, open, store, installs } = createReceiver();
  const first = open();
  first.begin();
  first.chunk(0, HALF);
  store.isHeld = true;
  first.chunk(HALF, IMAGE.length);
  first.channel.break();
  clock.advance(5);
  store.release();
  clock.runUntil(() => store.stagings[0]?.isFinishing === true, 'all bytes are there');
  store.isHeld = true;
  clock.advance(5);
  const second = open();
  second.begin();
  expect(second.answers).toEqual([{ kind: 'resume', offset: IMAGE.length }]);
  store.release();
  clock.advance(5);
  installs[0]?.done();
  clock.advance(5);
  expect(second.kinds()).toEqual(['resume', 'acknowledged', 'installed']);
});

test('a chunk that found the disk full is never skipped: the image begins again (trap 33)', () => {
  const { clock, open, store, fatal } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, 10);
  first.chunk(10, HALF);
  // The first chunk fails, and the second finds space again.
  store.failure = 'disk_full';
  store.release();
  clock.runUntil(() => store.pendingBeside === 1, 'the first chunk has failed');
  store.failure = undefined;
  clock.advance(5);
  expect([first.kinds(), fatal, store.stagings[0]?.isDiscarded]).toEqual([['resume', 'refused'], [], true]);
  const second = open();
  second.begin();
  expect(second.answers).toEqual([{ kind: 'resume', offset: 0 }]);
});

test('a disk that fails stops the node', () => {
  const { open, store, fatal } = createReceiver();
  const leader = open();
  leader.begin();
  store.failure = 'storage_failed';
  leader.chunk(0, HALF);
  expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
});

test('a snapshot that waited for the store is checked again before it begins', () => {
  const { clock, open, store, node } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, HALF);
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

test('a sender that leaves while it waits for the store is forgotten', () => {
  const { clock, open, store } = createReceiver();
  const first = open();
  first.begin();
  store.isHeld = true;
  first.chunk(0, HALF);
  const second = open();
  second.begin({ snapshotId: '1-2' });
  second.channel.break();
  clock.advance(5);
  store.release();
  clock.advance(5);
  expect(second.kinds()).toEqual([]);
  expect(store.stagings).toHaveLength(1);
});

test('an abandoned image gives its disk space back', () => {
  const { clock, open, store } = createReceiver();
  const first = open();
  first.begin();
  first.chunk(0, HALF);
  first.channel.break();
  clock.advance(20_000);
  const second = open();
  second.begin();
  clock.advance(20_000);
  // The disk still works, if slowly.
  expect(store.stagings.map(({ isDiscarded }) => isDiscarded)).toEqual([false]);
  second.channel.break();
  clock.advance(40_000);
  expect(store.stagings.map(({ isDiscarded }) => isDiscarded)).toEqual([true]);
  const third = open();
  third.begin();
  expect(third.answers).toEqual([{ kind: 'resume', offset: 0 }]);
});

test('peers that begin snapshots again and again do not fill the memory', () => {
  const { open, store, fatal } = createReceiver();
  store.isHeld = true;
  for (let attempt = 0; attempt < 100; attempt++) {
    const one = open(`peer${attempt}@1`);
    one.begin();
    for (let offset = 0; offset < 4; offset++) one.chunk(offset, offset + 1);
  }
  expect(fatal).toEqual([]);
  expect(store.pendingBeside).toBe(4);
});
