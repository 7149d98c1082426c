import { expect, test } from 'vitest';
import { TestCluster, type TestNode } from '../testing/cluster.ts';
import { decodeSnapshotFrame, MAX_CHUNKS_UNDER_WAY } from './snapshot-frames.ts';

const THREE = ['a', 'b', 'c'];
const APPLIED_ONCE = { kind: 'applied', result: 1 };
/** The log is compacted at once, so that a follower that was away needs a snapshot. */
const TINY_LOG = { compactAfterEntries: 10, keepEntries: 2, flushStateAfterMs: 10, snapshotChunkBytes: 150 };

function writeMany(node: TestNode, prefix: string, count: number): void {
  for (let number = 0; number < count; number++) {
    expect(node.write(`${prefix}${number}`)).toEqual(APPLIED_ONCE);
  }
}

function behindBy(count: number): { cluster: TestCluster; late: TestNode } {
  const cluster = TestCluster.of(THREE, TINY_LOG);
  const [late] = cluster.followers();
  if (late === undefined) throw new Error('a cluster of three has followers');
  cluster.network.cutOff.add(late.address);
  writeMany(cluster.leader(), 'x', count);
  cluster.clock.advance(1_000);
  expect(cluster.leader().status.snapshotIndex).toBeGreaterThan(late.status.lastLogIndex);
  cluster.network.cutOff.clear();
  return { cluster, late };
}

test('a follower that is too far behind gets a snapshot, and continues from there', () => {
  const { cluster, late } = behindBy(50);
  cluster.settle();
  expect([late.count('x0'), late.count('x49')]).toEqual([1, 1]);
  expect(late.logger.messages('info')).toContain('snapshot installed');
  expect(late.write('after')).toEqual(APPLIED_ONCE);
});

test('an installed snapshot survives a crash', () => {
  const { cluster, late } = behindBy(50);
  cluster.settle();
  late.kill();
  late.start();
  expect([late.count('x0'), late.count('x49')]).toEqual([1, 1]);
  cluster.settle();
});

test('a write that a snapshot brings back is not applied again (trap 35)', () => {
  const cluster = TestCluster.of(THREE, TINY_LOG);
  const [late] = cluster.followers();
  const server = late?.status.server;
  // This follower gets heartbeats and no entries: its proposals are applied, and it does not learn so.
  cluster.network.filter = (_, to, message) =>
    !(to === server && message.kind === 'raft' && message.message.kind === 'append-request');
  const outcomes = late?.propose('mine') ?? [];
  writeMany(cluster.leader(), 'x', 50);
  cluster.clock.advance(2 * cluster.limits.resendAfterMs);
  cluster.network.filter = () => true;
  expect(cluster.firstOf(outcomes, 'it is answered')).toEqual({ kind: 'unknown' });
  expect(late?.logger.messages('info')).toContain('snapshot installed');
  cluster.settle();
  expect(cluster.nodes.map((node) => node.count('mine'))).toEqual([1, 1, 1]);
});

test('a lost answer does not make the leader send the snapshot for ever (trap 23)', () => {
  const { cluster, late } = behindBy(50);
  const { channels } = cluster.network;
  let isCut = false;
  cluster.clock.runUntil(() => {
    const channel = channels[0];
    const answers = channel?.other?.frames.map((frame) => decodeSnapshotFrame(frame).kind) ?? [];
    if (!isCut && answers.includes('installed')) {
      isCut = true;
      channel?.break();
    }
    return isCut;
  }, 'the snapshot is installed');
  // The leader keeps the log for the follower, and asks again how the snapshot ended.
  writeMany(cluster.leader(), 'y', 10);
  cluster.settle();
  expect([late.count('x49'), late.count('y9')]).toEqual([1, 1]);
  expect(channels.length).toBe(2);
  expect(late.logger.messages('info').filter((line) => line === 'snapshot begins')).toHaveLength(1);
});

test('a connection that breaks in the middle is resumed, and bytes are not sent twice', () => {
  const { cluster, late } = behindBy(50);
  const { channels } = cluster.network;
  cluster.clock.runUntil(() => (channels[0]?.frames.length ?? 0) >= 10, 'some chunks are sent');
  channels[0]?.break();
  cluster.settle();
  expect([late.count('x0'), late.count('x49')]).toEqual([1, 1]);
  const begun = channels.map((channel) => decodeSnapshotFrame(channel.frames[0] ?? new Uint8Array()));
  expect(begun.map((frame) => frame.kind === 'begin' && frame.snapshotId)).toEqual([
    (begun[0] as { snapshotId: string }).snapshotId,
    (begun[0] as { snapshotId: string }).snapshotId,
  ]);
  const [before, after] = channels.map(({ frames }) =>
    frames
      .map((frame) => decodeSnapshotFrame(frame))
      .flatMap((frame) => (frame.kind === 'chunk' ? [frame.offset] : [])),
  );
  // Everything except the chunks that were not acknowledged yet.
  const twice = after?.filter((offset) => before?.includes(offset)) ?? [];
  expect(before?.length).toBeGreaterThan(MAX_CHUNKS_UNDER_WAY);
  expect(twice.length).toBeLessThanOrEqual(MAX_CHUNKS_UNDER_WAY);
});

test('a snapshot that was given up is begun again by the same leader (trap 23)', () => {
  const { cluster, late } = behindBy(50);
  const leader = cluster.leader();
  const { channels } = cluster.network;
  cluster.clock.runUntil(() => {
    for (const channel of channels) channel.break();
    return leader.logger.messages('warn').includes('snapshot not delivered');
  }, 'the leader gives it up');
  const { term } = leader.status;
  cluster.settle();
  expect([late.count('x0'), late.count('x49')]).toEqual([1, 1]);
  expect(cluster.leader()).toBe(leader);
  expect(leader.status.term).toBe(term);
});

test('the log waits a while for a follower that has just got a snapshot, and not for ever (trap 23)', () => {
  const { cluster, late } = behindBy(50);
  const leader = cluster.leader();
  const { server } = late.status;
  cluster.clock.runUntil(() => (cluster.network.channels[0]?.frames.length ?? 0) >= 5, 'it is on its way');
  // Entries that are written while the snapshot travels reach the follower slowly.
  cluster.network.filter = (_, to, message) =>
    !(to === server && message.kind === 'raft' && message.message.kind === 'append-request');
  for (let number = 0; number < 30; number++) leader.propose(`y${number}`);
  cluster.clock.runUntil(
    () => late.logger.messages('info').includes('snapshot installed'),
    'it is installed',
  );
  const installedIndex = late.status.appliedIndex;
  writeMany(leader, 'z', 30);
  cluster.clock.advance(1_000);
  expect(leader.status.snapshotIndex).toBeLessThanOrEqual(installedIndex);
  cluster.clock.advance(40_000);
  expect(leader.status.snapshotIndex).toBeGreaterThan(installedIndex);
});
