// The messages that may leave before the disk has answered, and those that may not. SafetyChecker checks the
// same for every message of every test.

import { describe, expect, test } from 'vitest';
import { MAX_WAITING_MESSAGES } from './state.ts';
import { TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function kindsFrom(cluster: TestCluster, id: string): string[] {
  return cluster.sent.filter(({ from }) => from === id).map(({ kind }) => kind);
}

describe('§5.1 messages that promise durability wait for the disk (trap 2)', () => {
  test('a vote leaves only once it is durable', () => {
    const cluster = new TestCluster(ABC);
    cluster.holdDisk('b');
    cluster.crash('c');
    cluster.standForElection('a');
    cluster.settle();
    expect(kindsFrom(cluster, 'b')).toEqual([]);
    expect(cluster.server('a').core.role).toBe('candidate');
    cluster.releaseDisk('b');
    cluster.settle();
    expect(kindsFrom(cluster, 'b')[0]).toBe('vote-response');
    expect(cluster.server('a').core.role).toBe('leader');
  });

  test('term and vote are in one write (trap 1)', () => {
    const cluster = new TestCluster(ABC);
    cluster.standForElection('a');
    cluster.settle();
    for (const id of ['b', 'c']) {
      const [hardState] = cluster.server(id).writes.flatMap((write) => write.hardState ?? []);
      expect(hardState).toEqual({ term: 2, votedFor: 'a' });
    }
  });

  test('a vote that is durable survives a crash, one that is not is free again', () => {
    for (const isDurable of [true, false]) {
      const cluster = new TestCluster({ ...ABC });
      cluster.isLost = ({ from, kind }) => from === 'b' && kind === 'vote-response';
      cluster.standForElection('a');
      cluster.standForElection('c');
      const [toB] = cluster.network.filter(({ from, to }) => from === 'a' && to === 'b');
      const [alsoToB] = cluster.network.filter(({ from, to }) => from === 'c' && to === 'b');
      cluster.network = [];
      cluster.holdDisk('b');
      if (toB !== undefined) cluster.deliver(toB);
      if (isDurable) cluster.completeWrite('b');
      cluster.crash('b');
      cluster.restart('b');
      if (alsoToB !== undefined) cluster.deliver(alsoToB);
      expect(cluster.server('b').core).toMatchObject({ term: 2, votedFor: isDurable ? 'a' : 'c' });
    }
  });

  test('a candidate sends vote requests, and counts its own vote, only once that vote is durable', () => {
    const cluster = new TestCluster(ABC);
    cluster.holdDisk('a');
    cluster.standForElection('a');
    expect(cluster.sent).toEqual([]);
    cluster.deliver({ kind: 'vote-response', from: 'b', to: 'a', term: 2, granted: true });
    expect(cluster.server('a').core.role).toBe('candidate');
    cluster.completeWrite('a');
    expect(cluster.server('a').core.role).toBe('leader');
  });

  test('an append is acknowledged only once it is durable', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.crash('c');
    cluster.holdDisk('b');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.server('b').core.lastLogIndex).toBe(3);
    expect(cluster.server('a').core.commitIndex).toBe(2);
    cluster.crash('b');
    cluster.restart('b');
    expect(cluster.server('b').core.lastLogIndex).toBe(2);
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('b').commands).toEqual(['x']);
  });

  test('a cluster of one commits only when its own disk has the entry (trap 2, etcd 14370)', () => {
    const cluster = new TestCluster({ voters: ['a'] });
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'x');
    expect(cluster.server('a').commands).toEqual([]);
    cluster.completeWrite('a');
    expect(cluster.server('a').commands).toEqual(['x']);
  });

  test('heartbeats are answered while a log write is under way, so a slow disk deposes no leader', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.crash('c');
    cluster.holdDisk('b');
    cluster.propose('a', 'x');
    cluster.run(5 * ELECTION_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
    cluster.releaseDisk('b');
    cluster.settle();
    expect(cluster.server('a').commands).toEqual(['x']);
  });

  test('a heartbeat of a new term is answered only once the term is durable', () => {
    const cluster = new TestCluster(ABC);
    cluster.holdDisk('c');
    cluster.elect('a');
    cluster.run(HEARTBEAT_TICKS);
    expect(kindsFrom(cluster, 'c')).toEqual([]);
    cluster.releaseDisk('c');
    cluster.settle();
    expect(kindsFrom(cluster, 'c')).toContain('heartbeat-response');
  });
});

describe('writes under way and the log', () => {
  test('there is one write at a time, and later entries go with the next one', () => {
    const cluster = new TestCluster({ voters: ['a'] });
    cluster.elect('a');
    cluster.holdDisk('a');
    for (const text of ['x', 'y', 'z']) cluster.propose('a', text);
    const { writes } = cluster.server('a');
    expect(writes.at(-1)?.log.entries.map(({ index }) => index)).toEqual([3]);
    cluster.completeWrite('a');
    expect(writes.at(-1)?.log.entries.map(({ index }) => index)).toEqual([4, 5]);
    cluster.completeWrite('a');
    expect(cluster.server('a').commands).toEqual(['x', 'y', 'z']);
  });

  test('entries that are truncated during their write are never acknowledged', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    // b is writing entries 3 to 5 of a when c, which lacks them, stands for election.
    cluster.isolate('c');
    cluster.holdDisk('b');
    cluster.propose('a', 'x', 'y', 'z');
    cluster.settle();
    expect(cluster.server('b').disk.isWriting).toBe(true);
    cluster.heal();
    cluster.crash('a');
    cluster.standForElection('c');
    cluster.settle();
    expect(cluster.server('c').core.role).toBe('candidate');
    const first = cluster.sent.length;
    cluster.completeWrite('b');
    // The log of b is longer: b refuses its vote, and later c gets the entries of b.
    expect(cluster.sent.slice(first).filter(({ kind }) => kind === 'append-response')).toEqual([]);
    cluster.releaseDisk('b');
    cluster.settle();
    cluster.elect('b');
    expect(cluster.termsOf('c')).toEqual([1, 2, 2, 2, 2, 4]);
  });

  test('a truncation during the write of a longer log leaves nothing of that log on disk', () => {
    const cluster = new TestCluster({ ...ABC, logs: { a: [1, 1, 3], b: [1, 1, 3], c: [1, 1] } });
    const append = { kind: 'append-request', to: 'c', previousLogTerm: 1, commitIndex: 0 } as const;
    const entry = (index: number, term: number) => ({ kind: 'leader-start', index, term }) as const;
    cluster.holdDisk('c');
    const old = [3, 4, 5, 6].map((index) => entry(index, 2));
    cluster.deliver({ ...append, from: 'b', term: 2, previousLogIndex: 2, entries: old });
    cluster.deliver({ ...append, from: 'a', term: 4, previousLogIndex: 2, entries: [entry(3, 4)] });
    cluster.completeWrite('c');
    expect(cluster.server('c').disk.lastIndex).toBe(6);
    expect(cluster.sent.filter(({ kind }) => kind === 'append-response')).toEqual([]);
    cluster.completeWrite('c');
    expect(
      cluster
        .server('c')
        .disk.entries(1, 4, 10_000)
        .map(({ term }) => term),
    ).toEqual([1, 1, 4]);
    expect(cluster.server('c').disk.lastIndex).toBe(3);
    const answers = cluster.sent.filter(({ kind }) => kind === 'append-response');
    expect(answers).toMatchObject([{ to: 'a', success: true, index: 3, term: 4 }]);
  });

  test('the messages that wait for a stuck disk are bounded (trap 36)', () => {
    const cluster = new TestCluster(ABC);
    cluster.holdDisk('c');
    const heartbeat = { kind: 'heartbeat-request', from: 'a', to: 'c', term: 2 } as const;
    for (let i = 0; i < 2 * MAX_WAITING_MESSAGES; i++) {
      cluster.deliver({ ...heartbeat, commitIndex: 0, readRound: 0 });
    }
    cluster.releaseDisk('c');
    expect(cluster.network.length).toBe(MAX_WAITING_MESSAGES);
  });
});
