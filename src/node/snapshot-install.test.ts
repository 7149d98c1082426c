import { expect, test } from 'vitest';
import type { SnapshotPoint } from '../raft/ready.ts';
import { generationsRange } from './keys.ts';
import { loadDurableState } from './log-store.ts';
import { RowStager, type SnapshotRows, takeRows } from './snapshot-rows.ts';
import { StateStore } from './state-store.ts';
import { ALONG, CONFIGURATION, createFollower, logOf, TERM } from './test-follower.ts';
import { TestDisk } from './test-store.ts';

const POINT: SnapshotPoint = { index: 40, term: TERM, configuration: CONFIGURATION, configurationIndex: 1 };

const NO_KEY = new Uint8Array(0);

/** The rows of a server that has applied 40 entries. */
function rowsAt40(): SnapshotRows {
  const { append, store, clock } = createFollower({ flushStateAfterMs: 0 });
  append(logOf(40), { commitIndex: 40 });
  clock.advance(5);
  return takeRows(store.snapshot(), { generation: 1, afterKey: NO_KEY, maxBytes: 1_000_000 });
}

function stage(follower: ReturnType<typeof createFollower>): number {
  const generation = follower.replica.state.beginStaging();
  const { operations } = new RowStager({ from: 1, to: generation }).stage(rowsAt40(), NO_KEY);
  follower.store.writeApart(operations, () => undefined);
  follower.clock.advance(5);
  return generation;
}

test('a snapshot switches state, applied index, configuration and log in one write (trap 22)', () => {
  const follower = createFollower();
  follower.append(logOf(5, 2), { commitIndex: 2 });
  follower.clock.advance(5);
  const generation = stage(follower);
  const done: string[] = [];
  follower.store.isHeld = true;
  expect(follower.replica.install(POINT, generation, () => done.push('installed'))).toBe(true);
  follower.clock.advance(50);
  // Until then the old state serves, and the disk is that of before.
  expect([done, follower.replica.state.get('count/x40'), follower.replica.appliedIndex]).toEqual([
    [],
    undefined,
    2,
  ]);
  expect(loadDurableState(follower.store)).toMatchObject({ applied: { index: 2 }, lastLog: { index: 5 } });
  follower.store.release();
  follower.clock.advance(5);
  expect([done, follower.replica.state.get('count/x40'), follower.replica.appliedIndex]).toEqual([
    ['installed'],
    1,
    40,
  ]);
  expect(loadDurableState(follower.store)).toMatchObject({
    applied: { index: 40, generation, configurationIndex: 1 },
    logStart: { index: 40, term: TERM },
    lastLog: { index: 40 },
  });
});

test('a snapshot keeps nothing of a log that conflicts with it, however long (trap 21)', () => {
  const follower = createFollower(ALONG);
  follower.append(logOf(60, 2), { commitIndex: 2 });
  follower.clock.advance(5);
  const generation = stage(follower);
  follower.replica.install(POINT, generation, () => undefined);
  follower.clock.advance(5);
  expect(loadDurableState(follower.store)?.lastLog).toEqual({ index: 40, term: TERM });
});

test('a snapshot replaces also what is still being written, and what was applied and not written yet', () => {
  const follower = createFollower(ALONG);
  const generation = stage(follower);
  follower.store.isHeld = true;
  const log = logOf(9, 2);
  follower.append(log.slice(0, 4), { commitIndex: 4 });
  follower.append(log.slice(4), { previous: { index: 4, term: 2 }, commitIndex: 8 });
  expect(follower.replica.appliedIndex).toBe(8);
  follower.replica.install(POINT, generation, () => undefined);
  follower.store.release();
  follower.clock.advance(20);
  const loaded = loadDurableState(follower.store);
  expect(loaded).toMatchObject({ applied: { index: 40, generation }, lastLog: { index: 40 } });
  expect(follower.fatal).toEqual([]);
  // Entries go on behind it, and their state goes into the new generation.
  const next = logOf(41).slice(40);
  follower.append(next, { previous: { index: 40, term: TERM }, commitIndex: 41 });
  follower.clock.advance(5);
  expect(new StateStore(follower.store, generation).get('count/x41')).toBe(1);
});

test('a snapshot is not compacted, flushed or cleaned away while it is being installed', () => {
  const limits = { compactAfterEntries: 1, keepEntries: 0, flushStateAfterMs: 0 };
  const follower = createFollower(limits);
  follower.append(logOf(20, 2), { commitIndex: 20 });
  follower.clock.advance(5);
  const generation = stage(follower);
  follower.store.isHeld = true;
  follower.replica.install(POINT, generation, () => undefined);
  for (let more = 0; more < 5; more++) {
    follower.replica.tick(Number.POSITIVE_INFINITY);
    follower.clock.advance(10);
  }
  follower.store.release();
  follower.clock.advance(50);
  expect(follower.fatal).toEqual([]);
  expect([...new StateStore(follower.store, generation).range({ prefix: 'count/' })]).toHaveLength(39);
});

test('a snapshot is refused by a node that has what it holds, and by one that leads meanwhile', () => {
  const follower = createFollower();
  follower.append(logOf(40), { commitIndex: 40 });
  const leader = createFollower(ALONG, new TestDisk(), { bootstrap: true });
  leader.replica.core.campaignNow();
  leader.replica.schedule();
  leader.clock.advance(10);
  expect(leader.replica.core.role).toBe('leader');
  for (const { replica, fatal } of [follower, leader]) {
    const generation = replica.state.beginStaging();
    expect(replica.install(POINT, generation, () => undefined)).toBe(false);
    expect(fatal).toEqual([]);
  }
});

test('a crash before the switch leaves the old state, one after it the new', () => {
  const disk = new TestDisk();
  const follower = createFollower(ALONG, disk);
  follower.append(logOf(5, 2), { commitIndex: 5 });
  follower.clock.advance(5);
  const generation = stage(follower);
  const before = createFollower(ALONG, Object.assign(new TestDisk(), { rows: disk.rows }));
  expect([before.replica.appliedIndex, before.replica.state.get('count/x5')]).toEqual([5, 1]);
  follower.replica.install(POINT, generation, () => undefined);
  follower.clock.advance(5);
  const after = createFollower(ALONG, Object.assign(new TestDisk(), { rows: disk.rows }));
  expect([after.replica.appliedIndex, after.replica.state.get('count/x40')]).toEqual([40, 1]);
});

test('the state that was replaced is deleted beside what is written meanwhile', () => {
  const follower = createFollower(ALONG);
  follower.append(logOf(5, 2), { commitIndex: 5 });
  follower.clock.advance(5);
  const generation = stage(follower);
  follower.replica.install(POINT, generation, () => undefined);
  follower.clock.advance(5);
  expect(rowsOf(follower, 1)).toBeGreaterThan(0);
  // The log's write waits for the disk, and what is deleted does not wait for it.
  follower.store.isHeld = true;
  follower.append(logOf(41).slice(40), { previous: { index: 40, term: TERM }, commitIndex: 41 });
  follower.replica.tick(Number.POSITIVE_INFINITY);
  follower.clock.advance(5);
  expect(follower.store.pendingWrites).toBe(2);
  follower.store.releaseLastApart();
  expect([rowsOf(follower, 1), follower.store.pendingWrites]).toEqual([0, 1]);
  follower.store.release();
  follower.clock.advance(5);
  const after = createFollower({}, Object.assign(new TestDisk(), { rows: follower.disk.rows }));
  expect([after.replica.appliedIndex, after.replica.state.get('count/x40')]).toEqual([41, 1]);
  expect(loadDurableState(follower.store)?.lastLog).toEqual({ index: 41, term: TERM });
});

/** How many rows of a generation are on the disk. */
function rowsOf({ store }: ReturnType<typeof createFollower>, generation: number): number {
  return [...store.range(generationsRange(generation, generation + 1))].length;
}
