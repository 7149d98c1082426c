import { expect, test } from 'vitest';
import { createReceiver, HALF, IMAGE, imageAt, POINT } from '../testing/receiver.ts';
import { encodeSnapshotFrame } from './snapshot-frames.ts';

test('an image is staged, checked, then installed, and the leader is told when that is done', () => {
  const { clock, open, installs, store } = createReceiver();
  const leader = open();
  leader.begin();
  leader.bring();
  expect(leader.answers).toEqual([
    { kind: 'resume', offset: 0 },
    { kind: 'acknowledged', offset: HALF },
    { kind: 'acknowledged', offset: IMAGE.length },
    // The image is being checked.
    { kind: 'acknowledged', offset: IMAGE.length },
  ]);
  expect(installs).toMatchObject([{ applied: { ...POINT, generation: 7 } }]);
  // The store is unchanged.
  expect(store.written).toEqual([]);
  installs[0]?.done();
  clock.advance(5);
  expect(leader.answers.at(-1)).toEqual({ kind: 'installed', index: 40 });
  expect(store.stagings.map(({ isDiscarded }) => isDiscarded)).toEqual([false]);
});

test('an image that was changed is refused (trap 30)', () => {
  for (const at of [0, HALF, IMAGE.length - 1]) {
    const { open, store, installs } = createReceiver();
    const leader = open();
    leader.begin();
    leader.bring(IMAGE.map((byte, position) => (position === at ? byte ^ 1 : byte)));
    expect([leader.kinds().at(-1), installs]).toEqual(['refused', []]);
    expect(store.stagings[0]?.isDiscarded).toBe(true);
  }
});

test('an image with another point than announced is refused', () => {
  const { open, installs } = createReceiver();
  for (const [attempt, change] of [{ index: 39 }, { term: 1 }, { configurationIndex: 0 }].entries()) {
    const image = imageAt({ ...POINT, ...change });
    const leader = open();
    leader.begin({ snapshotId: `1-${attempt}`, sizeBytes: image.length });
    leader.bring(image);
    expect([leader.kinds().at(-1), installs]).toEqual(['refused', []]);
  }
});

test('a snapshot that lacks bytes is not installed, and waits for them', () => {
  const { open, installs } = createReceiver();
  const leader = open();
  leader.begin();
  leader.chunk(0, HALF);
  expect([leader.kinds(), installs]).toEqual([['resume', 'acknowledged'], []]);
});

test.each([
  ['out of turn', HALF, IMAGE.length],
  ['of nothing', 0, 0],
])('a chunk %s is refused', (_, offset, end) => {
  const { open } = createReceiver();
  const leader = open();
  leader.begin();
  leader.chunk(offset, end);
  expect(leader.kinds()).toEqual(['resume', 'refused']);
});

test('a chunk that goes beyond the end is refused', () => {
  const { open } = createReceiver();
  const leader = open();
  leader.begin({ sizeBytes: HALF });
  leader.chunk(0, IMAGE.length);
  expect(leader.kinds()).toEqual(['resume', 'refused']);
});

test('a leader of an old term is refused', () => {
  const { open } = createReceiver();
  const leader = open();
  leader.begin({ term: 1 });
  expect(leader.kinds()).toEqual(['refused']);
});

test('a leader whose term is not known here yet is refused for now: the log never runs ahead of the term', () => {
  const { open, node } = createReceiver();
  const early = open();
  early.begin({ term: 3 });
  expect(early.kinds()).toEqual(['refused']);
  node.term = 3;
  const again = open();
  again.begin({ term: 3 });
  expect(again.kinds()).toEqual(['resume']);
});

test('a snapshot whose entries are durable here counts as installed: its answer was lost (trap 23)', () => {
  const { open, node } = createReceiver();
  node.commitIndex = 40;
  node.durableIndex = 40;
  const leader = open();
  leader.begin();
  expect(leader.answers).toEqual([{ kind: 'installed', index: 40 }]);
});

test('a snapshot whose entries are committed and not yet durable does not count as installed', () => {
  const { open, node } = createReceiver();
  node.commitIndex = 40;
  node.durableIndex = 39;
  const leader = open();
  leader.begin();
  expect(leader.kinds()).toEqual(['refused']);
});

test('a snapshot that is not needed after all is refused, and the next one is accepted', () => {
  const { open, node, installs, store } = createReceiver();
  node.wants = false;
  const leader = open();
  leader.begin();
  leader.bring();
  expect(leader.kinds().at(-1)).toBe('refused');
  expect(store.stagings[0]?.isDiscarded).toBe(true);
  node.wants = true;
  const next = open();
  next.begin({ snapshotId: '1-2' });
  next.bring();
  expect(installs).toHaveLength(1);
});

test('a second sender replaces the first, which is told', () => {
  const { open, installs, node, store } = createReceiver();
  const first = open('l@1');
  first.begin();
  first.chunk(0, HALF);
  node.term = 3;
  const second = open('m@1');
  second.begin({ term: 3 });
  expect([first.kinds().at(-1), second.kinds()]).toEqual(['refused', ['resume']]);
  expect(second.answers).toEqual([{ kind: 'resume', offset: 0 }]);
  expect(store.stagings.map(({ isDiscarded }) => isDiscarded)).toEqual([true, false]);
  first.chunk(HALF, IMAGE.length);
  expect(installs).toEqual([]);
  second.bring();
  expect(installs).toHaveLength(1);
});

test('while one snapshot is installed no other begins', () => {
  const { clock, open, installs } = createReceiver();
  const first = open();
  first.begin();
  first.bring();
  const second = open();
  second.begin({ snapshotId: '1-2' });
  expect(second.kinds()).toEqual(['refused']);
  installs[0]?.done();
  clock.advance(5);
  const third = open();
  third.begin({ snapshotId: '1-3' });
  expect(third.kinds()).toEqual(['resume']);
});

test('an install continues after the connection breaks, however long it takes', () => {
  const { clock, open, installs, store } = createReceiver();
  const leader = open();
  leader.begin();
  leader.bring();
  leader.channel.break();
  clock.advance(60_000);
  expect(store.stagings[0]?.isDiscarded).toBe(false);
  installs[0]?.done();
  clock.advance(5);
  const next = open();
  next.begin({ snapshotId: '1-2' });
  expect(next.kinds()).toEqual(['resume']);
});

test('a node that stops stages nothing more', () => {
  const { clock, open, receiver, store, installs } = createReceiver();
  const leader = open();
  leader.begin();
  store.isHeld = true;
  leader.chunk(0, HALF);
  receiver.stop();
  leader.chunk(HALF, IMAGE.length);
  store.release();
  clock.advance(50);
  expect([store.stagings[0]?.isDiscarded, installs]).toEqual([true, []]);
  expect(leader.kinds()).toEqual(['resume']);
  expect(leader.channel.isOpen).toBe(false);
});

test('a peer that sends more chunks than may be under way loses its connection, and the node continues', () => {
  const { open, store, fatal } = createReceiver();
  const flood = open();
  flood.begin();
  store.isHeld = true;
  for (let offset = 0; offset < 20; offset++) flood.chunk(offset, offset + 1);
  expect(fatal).toEqual([]);
  expect(store.pendingBeside).toBe(4);
  expect(flood.answers.at(-1)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('under way'),
  });
});

test('a second snapshot on one connection closes it', () => {
  const { open, fatal } = createReceiver();
  const leader = open();
  for (let time = 0; time < 20; time++) leader.begin();
  expect(leader.kinds()).toEqual(['resume', 'refused']);
  expect(fatal).toEqual([]);
});

test('bytes that are not a snapshot frame close the connection', () => {
  const { clock, open, fatal } = createReceiver();
  const leader = open();
  leader.begin();
  const bytes = encodeSnapshotFrame({ kind: 'chunk', offset: 0, bytes: IMAGE });
  bytes[0] = 99;
  leader.channel.send(bytes, () => undefined);
  clock.advance(5);
  expect([leader.kinds(), leader.channel.isOpen, fatal]).toEqual([['resume', 'refused'], false, []]);
});
