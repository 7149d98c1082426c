import { describe, expect, test } from 'vitest';
import { configurationOf, TestCluster } from './testing/cluster.ts';
import type { AppliedState } from './testing/disk.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

/** a leads. c is cut off and ten entries behind, and the log of a begins after them. */
function behind(): TestCluster {
  const cluster = new TestCluster(ABC);
  cluster.elect('a');
  cluster.run(HEARTBEAT_TICKS);
  cluster.isolate('c');
  for (let i = 0; i < 10; i++) {
    cluster.propose('a', `${i}`);
    cluster.settle();
  }
  cluster.at('a', (server) => server.compact());
  expect(cluster.server('a').core.logStart.index).toBeGreaterThan(10);
  return cluster;
}

function pointOf(index: number, term: number): AppliedState {
  const configuration = configurationOf(['a', 'b', 'c']);
  const entries = Array.from({ length: index }, () => `${term}:!s`);
  return { point: { index, term, configuration, configurationIndex: 1 }, entries };
}

describe('§7 snapshots', () => {
  test('a follower that needs compacted entries gets a snapshot, and then the entries after it', () => {
    const cluster = behind();
    cluster.propose('a', 'after');
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
    expect(cluster.server('a').core.progressOf('c')).toMatchObject({ state: 'replicate', match: 13 });
  });

  test('a snapshot is wanted once, and only for a follower that answers', () => {
    const cluster = behind();
    cluster.deliversSnapshots = false;
    cluster.run(2 * ELECTION_TICKS);
    cluster.server('a').snapshotsWanted = [];
    cluster.run(3 * ELECTION_TICKS);
    expect(cluster.server('a').snapshotsWanted).toEqual([]);
    cluster.at('a', ({ core }) => core.onSnapshotEnded('c', undefined));
    cluster.heal();
    cluster.run(3 * ELECTION_TICKS);
    expect(cluster.server('a').snapshotsWanted).toEqual(['c']);
  });

  test('a failed snapshot is repeated, after a heartbeat and not at once (trap 23)', () => {
    const cluster = behind();
    cluster.deliversSnapshots = false;
    cluster.heal();
    cluster.runUntil(() => cluster.server('a').snapshotsWanted.length > 0);
    for (let i = 0; i < 3; i++) {
      cluster.server('a').snapshotsWanted = [];
      cluster.propose('a', `more ${i}`);
      cluster.settle();
      cluster.at('a', ({ core }) => core.onSnapshotEnded('c', undefined));
      cluster.settle();
      expect(cluster.server('a').snapshotsWanted).toEqual([]);
      cluster.run(2 * HEARTBEAT_TICKS);
      expect(cluster.server('a').snapshotsWanted).toEqual(['c']);
    }
    cluster.deliversSnapshots = true;
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('an installed snapshot that the leader takes for failed is not sent for ever (trap 23)', () => {
    const cluster = behind();
    cluster.deliversSnapshots = false;
    cluster.heal();
    cluster.runUntil(() => cluster.server('a').snapshotsWanted.length > 0);
    cluster.server('a').snapshotsWanted = [];
    cluster.at('c', (server) => server.stage(cluster.server('a').disk.state, () => undefined));
    cluster.at('a', ({ core }) => core.onSnapshotEnded('c', undefined));
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('a').snapshotsWanted).toEqual([]);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('a crash during the install leaves nothing half done, and the next snapshot succeeds (trap 22)', () => {
    const cluster = behind();
    cluster.deliversSnapshots = false;
    cluster.holdDisk('c');
    cluster.heal();
    cluster.runUntil(() => cluster.server('a').snapshotsWanted.length > 0);
    cluster.deliversSnapshots = true;
    cluster.settle();
    expect(cluster.server('c').disk.isWriting).toBe(true);
    cluster.crash('c');
    cluster.restart('c');
    expect(cluster.server('c').core.logStart.index).toBe(0);
    cluster.run(4 * HEARTBEAT_TICKS);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('the conflicting end of the log is deleted, in memory and on disk (trap 21)', () => {
    const tail = Array.from({ length: 30 }, () => 2);
    const cluster = new TestCluster({ ...ABC, logs: { a: [1, 3], b: [1, 3], c: [1, ...tail] } });
    cluster.isolate('c');
    cluster.elect('a');
    for (let i = 0; i < 5; i++) {
      cluster.propose('a', `${i}`);
      cluster.settle();
    }
    cluster.at('a', (server) => server.compact());
    expect(cluster.server('c').disk.lastIndex).toBe(31);
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    cluster.crash('c');
    expect(cluster.server('c').disk.start).toEqual(cluster.server('a').disk.start);
    expect(cluster.server('c').disk.lastIndex).toBe(cluster.server('a').disk.lastIndex);
    cluster.restart('c');
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.termsOf('c')).toEqual(cluster.termsOf('a'));
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('a log that agrees with the snapshot is kept, and committed up to it (§7, rule 6)', () => {
    const cluster = new TestCluster({ ...ABC, logs: { a: [1, 3, 3, 3], b: [1, 3, 3, 3], c: [1, 3, 3, 3] } });
    const ended: (number | undefined)[] = [];
    cluster.at('c', (server) => server.stage(pointOf(3, 3), (index) => ended.push(index)));
    expect(cluster.server('c').core).toMatchObject({
      lastLogIndex: 4,
      logStart: { index: 0 },
      commitIndex: 3,
    });
    expect(cluster.server('c').applied.length).toBe(3);
    expect(ended).toEqual([undefined]);
  });

  test('a snapshot without uncommitted entries changes nothing', () => {
    const cluster = behind();
    const old = cluster.server('b').disk.state;
    cluster.propose('a', 'x');
    cluster.settle();
    const before = cluster.server('b').applied;
    cluster.at('b', (server) => server.stage(old, (index) => expect(index).toBeUndefined()));
    expect(cluster.server('b').applied).toEqual(before);
  });

  test('a server applies nothing, acknowledges nothing and does not stand before the switch is durable (trap 22)', () => {
    const cluster = behind();
    const { state } = cluster.server('a').disk;
    const { point } = state;
    cluster.propose('a', 'x');
    cluster.settle();
    const { commitIndex } = cluster.server('a').core;
    const entries = cluster.server('a').disk.entries(point.index + 1, commitIndex + 1, 10_000);
    cluster.tick('c', 2 * ELECTION_TICKS - 2);
    cluster.holdDisk('c');
    cluster.sent.length = 0;
    cluster.at('c', (server) => server.stage(state, () => undefined));
    cluster.tick('c');
    expect(cluster.server('c').core.role).toBe('follower');
    const previous = { previousLogIndex: point.index, previousLogTerm: point.term };
    cluster.heal();
    cluster.deliver({
      kind: 'append-request',
      from: 'a',
      to: 'c',
      term: 2,
      ...previous,
      entries,
      commitIndex,
    });
    expect(cluster.server('c').core).toMatchObject({ commitIndex, appliedIndex: point.index });
    expect(cluster.server('c').applied.length).toBe(2);
    expect(cluster.sent).toEqual([]);
    cluster.releaseDisk('c');
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
    expect(cluster.sent).toMatchObject([{ kind: 'append-response', success: true, index: commitIndex }]);
  });

  test('entries that arrive during the write of a snapshot are applied after it', () => {
    const cluster = behind();
    cluster.holdDisk('c');
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    cluster.propose('a', 'x');
    cluster.run(HEARTBEAT_TICKS);
    cluster.releaseDisk('c');
    cluster.run(4 * HEARTBEAT_TICKS);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('a server that was elected meanwhile does not need the snapshot, and keeps leading', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isLost = (message) => message.kind === 'append-request' && message.entries.length === 0;
    cluster.propose('a', 'x');
    cluster.settle();
    const { state } = cluster.server('a');
    cluster.crash('a');
    cluster.isLost = ({ kind }) => kind === 'append-response';
    cluster.elect('b');
    // b holds x, and does not know yet that x is committed.
    expect(cluster.server('b').core.commitIndex).toBeLessThan(state.point.index);
    cluster.at('b', (server) => server.stage(state, (index) => expect(index).toBeUndefined()));
    expect(cluster.server('b').core.role).toBe('leader');
  });

  test('a candidate whose log is replaced becomes a follower', () => {
    const cluster = behind();
    cluster.at('c', ({ core }) => core.suspectLeader('a'));
    cluster.standForElection('c');
    expect(cluster.server('c').core.role).toBe('candidate');
    const { state } = cluster.server('a').disk;
    cluster.holdDisk('c');
    cluster.at('c', (server) => server.stage(state, () => undefined));
    for (const from of ['a', 'b']) {
      const answer = { kind: 'vote-response', from, to: 'c', term: 3, granted: true } as const;
      cluster.at('c', ({ core }) => core.step(answer));
    }
    expect(cluster.server('c').core.role).toBe('follower');
  });

  test('a server that was no member joins by snapshot', () => {
    const cluster = new TestCluster({ voters: ['a'], others: ['b'] });
    cluster.elect('a');
    for (let i = 0; i < 20; i++) cluster.propose('a', `${i}`);
    cluster.at('a', (server) => server.compact());
    cluster.change('a', () => configurationOf(['a'], ['b']));
    cluster.run(4 * HEARTBEAT_TICKS);
    expect(cluster.server('b').core.logStart.index).toBeGreaterThan(10);
    expect(cluster.server('b').applied).toEqual(cluster.server('a').applied);
    expect(cluster.server('b').core.configuration).toEqual(configurationOf(['a'], ['b']));
  });

  test('the configuration of a snapshot is in force, although its entry never arrived (trap 17)', () => {
    const cluster = new TestCluster({ ...ABC, others: ['d'] });
    cluster.elect('a');
    cluster.isolate('c');
    cluster.change('a', () => configurationOf(['a', 'b', 'c'], ['d']));
    for (let i = 0; i < 10; i++) {
      cluster.propose('a', `${i}`);
      cluster.settle();
    }
    cluster.at('a', (server) => server.compact());
    cluster.heal();
    cluster.run(4 * HEARTBEAT_TICKS);
    const { core } = cluster.server('c');
    expect(core.logStart.index).toBeGreaterThan(10);
    expect(core.configuration).toEqual(configurationOf(['a', 'b', 'c'], ['d']));
    expect(core.committedConfiguration).toEqual(core.configuration);
  });

  test('only applied entries are compacted', () => {
    const cluster = behind();
    cluster.isolate('a');
    cluster.propose('a', 'x');
    const { core } = cluster.server('a');
    expect(() => core.compact(core.lastLogIndex)).toThrow('only applied entries');
  });
});
