import { expect, test } from 'vitest';
import type { SnapshotPoint } from '../../core/ready.ts';
import { loadAppliedRecord, loadDurableState } from '../log/durable-records.ts';
import { DEFAULT_LIMITS } from '../options.ts';
import type { ImageStaging } from '../ports/key-value-store.ts';
import type { Transport } from '../ports/transport.ts';
import type { SnapshotInstall } from '../replica.ts';
import { stateKey } from '../state/state-keys.ts';
import { StateStore } from '../state/state-store.ts';
import { TestLogger } from '../testing/clock.ts';
import { ALONG, CONFIGURATION, createFollower, logOf, TERM } from '../testing/follower.ts';
import { TestChannel } from '../testing/network.ts';
import { imageOf, TestDisk } from '../testing/store.ts';
import { encodeSnapshotFrame } from './snapshot-frames.ts';
import { Snapshots } from './snapshots.ts';

const POINT: SnapshotPoint = { index: 40, term: TERM, configuration: CONFIGURATION, configurationIndex: 1 };

/** The generation of the servers that images are from. The followers have another. */
const GENERATION = 4;

/** The image of a server that has applied 40 entries. */
function imageAt40(): Uint8Array {
  const disk = new TestDisk();
  const before = createFollower({ flushStateAfterMs: 0 }, disk, {}, GENERATION);
  before.append(logOf(40), { commitIndex: 40 });
  before.clock.advance(5);
  return imageOf(disk.rows);
}

function stage(follower: ReturnType<typeof createFollower>): SnapshotInstall {
  const bytes = imageAt40();
  const staging: ImageStaging = follower.store.stageImage();
  staging.append(bytes, () => undefined);
  staging.finish(
    () => undefined,
    () => undefined,
  );
  follower.clock.advance(5);
  return { staging, applied: loadAppliedRecord(staging) };
}

test('a snapshot switches state, applied index, configuration and log in one write (trap 22)', () => {
  const follower = createFollower();
  follower.append(logOf(5, 2), { commitIndex: 2 });
  follower.clock.advance(5);
  const image = stage(follower);
  const done: string[] = [];
  follower.store.isHeld = true;
  expect(follower.replica.install(image, () => done.push('installed'))).toBe(true);
  follower.clock.advance(50);
  // Until then the old state serves, and the disk is unchanged.
  expect([done, follower.replica.state.rows.get('count/x40'), follower.replica.appliedIndex]).toEqual([
    [],
    undefined,
    2,
  ]);
  expect(loadDurableState(follower.store)).toMatchObject({ applied: { index: 2 }, lastLog: { index: 5 } });
  follower.store.release();
  follower.clock.advance(5);
  expect([done, follower.replica.state.rows.get('count/x40'), follower.replica.appliedIndex]).toEqual([
    ['installed'],
    1,
    40,
  ]);
  expect(loadDurableState(follower.store)).toMatchObject({
    applied: { ...POINT, generation: GENERATION },
    logStart: { index: 40, term: TERM },
    lastLog: { index: 40 },
  });
});

test('a snapshot keeps no entry of a log that conflicts with it, however long (trap 21)', () => {
  const follower = createFollower(ALONG);
  follower.append(logOf(60, 2), { commitIndex: 2 });
  follower.clock.advance(5);
  const image = stage(follower);
  follower.replica.install(image, () => undefined);
  follower.clock.advance(5);
  expect(loadDurableState(follower.store)?.lastLog).toEqual({ index: 40, term: TERM });
});

test('a snapshot also replaces writes under way, and applied state that was not written yet', () => {
  const follower = createFollower(ALONG);
  const image = stage(follower);
  follower.store.isHeld = true;
  const log = logOf(9, 2);
  follower.append(log.slice(0, 4), { commitIndex: 4 });
  follower.append(log.slice(4), { previous: { index: 4, term: 2 }, commitIndex: 8 });
  expect(follower.replica.appliedIndex).toBe(8);
  follower.replica.install(image, () => undefined);
  follower.store.release();
  follower.clock.advance(20);
  const loaded = loadDurableState(follower.store);
  expect(loaded).toMatchObject({ applied: { index: 40, generation: GENERATION }, lastLog: { index: 40 } });
  expect(follower.fatal).toEqual([]);
  // Entries follow behind it, and their state goes into the new generation.
  const next = logOf(41).slice(40);
  follower.append(next, { previous: { index: 40, term: TERM }, commitIndex: 41 });
  follower.clock.advance(5);
  expect(new StateStore(follower.store, GENERATION).get('count/x41')).toBe(1);
});

test('a snapshot is not compacted, flushed or cleaned away while it is being installed', () => {
  const limits = { compactAfterEntries: 1, keepEntries: 0, flushStateAfterMs: 0 };
  const follower = createFollower(limits);
  follower.append(logOf(20, 2), { commitIndex: 20 });
  follower.clock.advance(5);
  const image = stage(follower);
  follower.store.isHeld = true;
  follower.replica.install(image, () => undefined);
  for (let more = 0; more < 5; more++) {
    follower.replica.tick();
    follower.clock.advance(10);
  }
  follower.store.release();
  follower.clock.advance(50);
  expect(follower.fatal).toEqual([]);
  expect([...new StateStore(follower.store, GENERATION).range({ prefix: 'count/' })]).toHaveLength(39);
});

test('a snapshot is refused by a node that already has its entries, and by one that leads meanwhile', () => {
  const follower = createFollower();
  follower.append(logOf(40), { commitIndex: 40 });
  const leader = createFollower(ALONG, new TestDisk(), { bootstrap: true });
  leader.replica.core.campaignNow();
  leader.replica.schedule();
  leader.clock.advance(10);
  expect(leader.replica.core.role).toBe('leader');
  for (const one of [follower, leader]) {
    expect(one.replica.install(stage(one), () => undefined)).toBe(false);
    expect(one.fatal).toEqual([]);
  }
});

test('a crash before the switch leaves the old state, and a crash after it the new state', () => {
  const disk = new TestDisk();
  const follower = createFollower(ALONG, disk);
  follower.append(logOf(5, 2), { commitIndex: 5 });
  follower.clock.advance(5);
  const image = stage(follower);
  const before = createFollower(ALONG, Object.assign(new TestDisk(), { rows: disk.rows }));
  expect([before.replica.appliedIndex, before.replica.state.rows.get('count/x5')]).toEqual([5, 1]);
  follower.replica.install(image, () => undefined);
  follower.clock.advance(5);
  const after = createFollower(ALONG, Object.assign(new TestDisk(), { rows: disk.rows }));
  expect([after.replica.appliedIndex, after.replica.state.rows.get('count/x40')]).toEqual([40, 1]);
});

test('term and vote that are written while an image is adopted are durable behind it', () => {
  const follower = createFollower(ALONG);
  follower.append(logOf(5, 2), { commitIndex: 5 });
  follower.clock.advance(5);
  const image = stage(follower);
  follower.store.isHeld = true;
  follower.replica.install(image, () => undefined);
  follower.clock.advance(5);
  follower.append(logOf(41, TERM + 1).slice(40), {
    previous: { index: 40, term: TERM },
    term: TERM + 1,
    commitIndex: 41,
  });
  follower.store.release();
  follower.clock.advance(20);
  expect(loadDurableState(follower.store)).toMatchObject({
    hardState: { term: TERM + 1 },
    applied: { generation: GENERATION },
    lastLog: { index: 41, term: TERM + 1 },
  });
  expect(follower.fatal).toEqual([]);
});

test("rows that the image's sender abandoned are deleted, and none of them while the image is adopted", () => {
  const follower = createFollower(ALONG);
  follower.append(logOf(5, 2), { commitIndex: 5 });
  follower.clock.advance(5);
  // Left over under the image's generation: garbage until the image is the state.
  follower.store.write(
    [{ kind: 'put', key: stateKey(GENERATION, 'count/x40'), value: new Uint8Array(4) }],
    () => undefined,
  );
  follower.clock.advance(5);
  const image = stage(follower);
  follower.store.isHeld = true;
  follower.replica.install(image, () => undefined);
  follower.clock.advance(5);
  for (let more = 0; more < 5; more++) {
    follower.replica.tick();
    follower.clock.advance(10);
  }
  follower.store.release();
  follower.clock.advance(50);
  follower.replica.tick();
  follower.clock.advance(50);
  expect([...new StateStore(follower.store, GENERATION).range({ prefix: 'count/' })]).toHaveLength(39);
  expect([...new StateStore(follower.store, 1).range({ prefix: '' })]).toEqual([]);
});

test('a node that installs a snapshot stops sending images of the store that is replaced', () => {
  const follower = createFollower(ALONG);
  const { clock, store, replica } = follower;
  follower.append(logOf(5, 2), { commitIndex: 5 });
  clock.advance(5);
  const snapshots = new Snapshots(
    {
      replica,
      store,
      clock,
      logger: new TestLogger(),
      transport: { openChannel: () => undefined } as unknown as Transport,
    },
    { boot: 1, limits: DEFAULT_LIMITS },
  );
  // Like a leader that does not know yet that it no longer leads.
  snapshots.onSnapshotWanted('x@1');
  clock.advance(5);
  expect(store.images.map(({ isClosed }) => isClosed)).toEqual([false]);
  const [ours, theirs] = TestChannel.pair([clock, clock]);
  snapshots.onChannel('l@1', theirs);
  const bytes = imageAt40();
  const begin = { snapshotId: '1-1', term: TERM, point: POINT, sizeBytes: bytes.length };
  ours.send(encodeSnapshotFrame({ kind: 'begin', ...begin }), () => undefined);
  ours.send(encodeSnapshotFrame({ kind: 'chunk', offset: 0, bytes }), () => undefined);
  clock.advance(20);
  expect([replica.appliedIndex, store.images.map(({ isClosed }) => isClosed)]).toEqual([40, [true]]);
  expect(follower.fatal).toEqual([]);
});
