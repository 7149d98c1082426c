import { describe, expect, test } from 'vitest';
import { randomTimeouts, TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };
const FIVE = ['a', 'b', 'c', 'd', 'e'];

describe('§5.4.2 committing entries of earlier terms', () => {
  test('figure 8: a majority that holds an entry of an older term does not commit it (trap 8)', () => {
    // (a) In term 2, a replicated entry 2 to b only. (b) In term 3, e has entry 2 of its own.
    const cluster = new TestCluster({
      voters: FIVE,
      logs: { a: [1, 2], b: [1, 2], c: [1], d: [1], e: [1, 3] },
    });
    cluster.crash('e');
    // (c) a leads in term 4 and replicates entry 2 to c: three of five hold it. Its own entry is lost.
    for (let i = 0; i < 2; i++) cluster.standForElection('a');
    cluster.isLost = (message) => {
      if (message.kind !== 'append-request') return false;
      return message.to === 'd' || (message.entries.some(({ term }) => term > 2) && message.to !== 'a');
    };
    cluster.settle();
    cluster.at('a', ({ core }) => expect(core).toMatchObject({ role: 'leader', term: 4 }));
    const entries = cluster.server('a').disk.entries(2, 3, 10_000);
    const append = { kind: 'append-request', from: 'a', term: 4, previousLogIndex: 1 } as const;
    cluster.heal();
    for (const to of ['b', 'c']) {
      cluster.deliver({ ...append, to, previousLogTerm: 1, entries, commitIndex: 0 });
    }
    cluster.isLost = ({ kind }) => kind === 'append-request';
    cluster.settle();
    expect(['a', 'b', 'c'].every((id) => cluster.server(id).disk.holds(2, 2))).toBe(true);
    for (const id of ['b', 'c']) expect(cluster.server('a').core.progressOf(id)?.match).toBe(2);
    expect(cluster.server('a').core.commitIndex).toBe(0);
    // (d) a crashes, e leads in term 5 and overwrites entry 2 everywhere.
    cluster.heal();
    cluster.crash('a');
    cluster.restart('e');
    for (let i = 0; i < 2; i++) cluster.standForElection('e');
    cluster.settle();
    cluster.runUntil(() => cluster.leader?.id === 'e');
    cluster.run(HEARTBEAT_TICKS);
    for (const id of ['b', 'c', 'd', 'e']) expect(cluster.termsOf(id).slice(0, 2)).toEqual([1, 3]);
  });

  test('figure 8 (e): an entry of the own term commits those of older terms before it', () => {
    const cluster = new TestCluster({
      voters: FIVE,
      logs: { a: [1, 2], b: [1, 2], c: [1], d: [1], e: [1, 3] },
    });
    cluster.crash('e');
    for (let i = 0; i < 2; i++) cluster.standForElection('a');
    cluster.settle();
    expect(cluster.server('a').core.commitIndex).toBe(3);
    cluster.restart('e');
    cluster.standForElection('e');
    cluster.settle();
    expect(cluster.server('e').core.role).not.toBe('leader');
    cluster.run(5 * ELECTION_TICKS);
    expect(cluster.termsOf('e').slice(0, 2)).toEqual([1, 2]);
  });

  test('a leader commits without its own copy when the followers are a majority (dissertation §10.2.1)', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.server('a').commands).toEqual(['x']);
    expect(cluster.server('a').disk.lastIndex).toBe(2);
    cluster.crash('a');
    cluster.elect('b');
    cluster.restart('a');
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('a').commands).toEqual(['x']);
  });

  test('learners do not count for a commit', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e', 'f'] });
    cluster.elect('a');
    cluster.cut('a', 'b');
    cluster.cut('a', 'c');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.server('f').core.lastLogIndex).toBe(3);
    expect(cluster.server('a').core.commitIndex).toBe(2);
  });

  test('an acknowledgement from a server outside the configuration does not count', () => {
    const cluster = new TestCluster({ ...ABC, others: ['x', 'y'] });
    cluster.elect('a');
    cluster.isolate('a');
    cluster.propose('a', 'x');
    for (const from of ['x', 'y']) {
      const answer = { kind: 'append-response', from, to: 'a', term: 2, success: true } as const;
      cluster.at('a', ({ core }) => core.step({ ...answer, index: 3, hintIndex: 0, hintTerm: 0 }));
    }
    expect(cluster.server('a').core.commitIndex).toBe(2);
  });
});

describe('dissertation §10.2.1 a leader whose disk does not answer (trap 32)', () => {
  test('steps down within an election timeout, and another server takes over', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'x');
    cluster.tick('a', ELECTION_TICKS);
    expect(cluster.server('a').core.role).toBe('follower');
    cluster.runUntil(() => cluster.leader !== undefined);
    expect(cluster.leader?.id).not.toBe('a');
    cluster.releaseDisk('a');
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('a').commands).toEqual(['x']);
  });

  test('does not stand for election before its disk answers again', () => {
    const cluster = new TestCluster({ voters: ['a'] });
    cluster.elect('a');
    cluster.holdDisk('a');
    cluster.propose('a', 'x');
    cluster.tick('a', 10 * ELECTION_TICKS);
    expect(cluster.server('a').core.role).toBe('follower');
    cluster.releaseDisk('a');
    cluster.runUntil(() => cluster.leader?.id === 'a');
    expect(cluster.server('a').commands).toEqual(['x']);
  });

  test('keeps leading when every write is slow but in time', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.holdDisk('a');
    for (let i = 0; i < 5; i++) {
      cluster.propose('a', `${i}`);
      cluster.run(ELECTION_TICKS - 1);
      cluster.completeWrite('a');
    }
    cluster.releaseDisk('a');
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
    expect(cluster.server('a').commands.length).toBe(5);
  });
});
