import { expect, test } from 'vitest';
import { encodeSnapshotFrame } from './snapshot-frames.ts';
import { StateStore } from './state-store.ts';
import { createReceiver, POINT, rowOf } from './test-receiver.ts';
import { rowsOf } from './test-snapshot-rows.ts';

test('rows are staged durably, then installed, and the leader hears of it when that is done', () => {
  const { open, installs, store, state } = createReceiver();
  const leader = open();
  leader.begin();
  leader.chunk(0, rowOf('a', 1), rowOf('b', 2));
  leader.chunk(1, rowOf('c', 3));
  leader.end(3);
  expect(leader.kinds()).toEqual(['resume', 'acknowledged', 'acknowledged']);
  expect(installs).toMatchObject([{ point: POINT, generation: 2 }]);
  // The old state serves until the switch.
  expect(state.get('a')).toBeUndefined();
  expect(new StateStore(store, 2).get('c')).toBe(3);
  installs[0]?.done();
});

test('the answer `installed` comes when the install is durable, and not before', () => {
  const { clock, open, installs } = createReceiver();
  const leader = open();
  leader.begin();
  leader.end(0);
  expect(leader.kinds()).toEqual(['resume']);
  installs[0]?.done();
  clock.advance(5);
  expect(leader.answers.at(-1)).toEqual({ kind: 'installed', index: 40 });
});

test('a chunk that was changed on its way is refused (trap 30)', () => {
  const { clock, open, store, installs } = createReceiver();
  const leader = open();
  leader.begin();
  const bytes = encodeSnapshotFrame({ kind: 'chunk', sequence: 0, rows: rowsOf(rowOf('a', 1)) });
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  leader.channel.send(bytes, () => undefined);
  clock.advance(5);
  expect(leader.kinds()).toEqual(['resume', 'refused']);
  expect([store.written, installs]).toEqual([[], []]);
});

test('a row that was damaged on the sender’s disk is refused (trap 30)', () => {
  const { open, store } = createReceiver();
  const leader = open();
  leader.begin();
  const row = rowOf('a', 1);
  const damaged = row.value.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  leader.chunk(0, rowOf('0', 0), { key: row.key, value: damaged });
  expect([leader.kinds(), store.written]).toEqual([['resume', 'refused'], []]);
});

test('a snapshot that lacks rows is not installed', () => {
  const { open, installs } = createReceiver();
  const leader = open();
  leader.begin();
  leader.chunk(0, rowOf('a', 1));
  leader.end(2);
  expect([leader.kinds().at(-1), installs]).toEqual(['refused', []]);
  // Nor is it gone on from.
  const again = open();
  again.begin();
  expect(again.answers).toEqual([{ kind: 'resume', afterKey: new Uint8Array() }]);
});

test('a chunk out of turn is refused', () => {
  const { open } = createReceiver();
  const leader = open();
  leader.begin();
  leader.chunk(1, rowOf('a', 1));
  expect(leader.kinds()).toEqual(['resume', 'refused']);
});

test('an old leader is turned away', () => {
  const { open } = createReceiver();
  const leader = open();
  leader.begin({ term: 1 });
  expect(leader.kinds()).toEqual(['refused']);
});

test('a leader whose term is not known here yet is asked to come again: the log never runs ahead of the term', () => {
  const { open, node } = createReceiver();
  const early = open();
  early.begin({ term: 3 });
  expect(early.kinds()).toEqual(['refused']);
  node.term = 3;
  const again = open();
  again.begin({ term: 3 });
  expect(again.kinds()).toEqual(['resume']);
});

test('what is durable here already counts as installed: its answer was lost (trap 23)', () => {
  const { open, node } = createReceiver();
  node.commitIndex = 40;
  node.durableCommitIndex = 40;
  const leader = open();
  leader.begin();
  expect(leader.answers).toEqual([{ kind: 'installed', index: 40 }]);
});

test('what is committed and not yet durable is not called installed', () => {
  const { open, node } = createReceiver();
  node.commitIndex = 40;
  node.durableCommitIndex = 39;
  const leader = open();
  leader.begin();
  expect(leader.kinds()).toEqual(['refused']);
});

test('a snapshot that is not needed after all is refused, and the next one is taken', () => {
  const { open, node, installs } = createReceiver();
  node.wants = false;
  const leader = open();
  leader.begin();
  leader.end(0);
  expect(leader.kinds()).toEqual(['resume', 'refused']);
  node.wants = true;
  const next = open();
  next.begin({ snapshotId: '1-2' });
  next.end(0);
  expect(installs).toHaveLength(1);
});

test('a second sender takes the place of the first, which is told', () => {
  const { open, installs, node } = createReceiver();
  const first = open('l@1');
  first.begin();
  first.chunk(0, rowOf('a', 1));
  node.term = 3;
  const second = open('m@1');
  second.begin({ term: 3 });
  expect([first.kinds().at(-1), second.kinds()]).toEqual(['refused', ['resume']]);
  expect(second.answers).toEqual([{ kind: 'resume', afterKey: new Uint8Array() }]);
  first.chunk(1, rowOf('x', 1));
  first.end(2);
  expect(installs).toEqual([]);
  second.end(0);
  expect(installs).toMatchObject([{ generation: 3 }]);
});

test('while one is installed no other begins', () => {
  const { clock, open, installs } = createReceiver();
  const first = open();
  first.begin();
  first.end(0);
  const second = open();
  second.begin({ snapshotId: '1-2' });
  expect(second.kinds()).toEqual(['refused']);
  installs[0]?.done();
  clock.advance(5);
  const third = open();
  third.begin({ snapshotId: '1-3' });
  expect(third.kinds()).toEqual(['resume']);
});

test('an install goes on though the connection breaks', () => {
  const { clock, open, installs } = createReceiver();
  const leader = open();
  leader.begin();
  leader.end(0);
  leader.channel.break();
  clock.advance(5);
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
  leader.chunk(0, rowOf('a', 1));
  leader.say({ kind: 'end', rowCount: 1 });
  receiver.stop();
  leader.chunk(1, rowOf('b', 1));
  store.release();
  clock.advance(50);
  expect([store.written.length, installs]).toEqual([1, []]);
  expect(leader.channel.isOpen).toBe(false);
});

test('a peer that sends more chunks than may be under way loses its connection, and the node goes on', () => {
  const { open, store, fatal } = createReceiver();
  const flood = open();
  flood.begin();
  store.isHeld = true;
  for (let sequence = 0; sequence < 300; sequence++) flood.chunk(sequence, rowOf(`k${sequence}`, 1));
  expect(fatal).toEqual([]);
  expect(store.pendingWrites).toBe(2);
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
