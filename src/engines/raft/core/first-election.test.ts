import { describe, expect, test } from 'vitest';
import { randomTimeouts, TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function rolesOf(cluster: TestCluster): string[] {
  return [...cluster.servers.values()].map(({ core }) => core.role);
}

describe('servers that start together', () => {
  test('elect a leader well before the election timeout, with any seed', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const cluster = new TestCluster({ ...ABC, core: randomTimeouts(seed) });
      for (const id of ABC.voters) cluster.at(id, ({ core }) => core.standSoon());
      cluster.runUntil(() => cluster.leader !== undefined, 2 * ELECTION_TICKS);
    }
  });

  test('a split vote between two of three ends with the next hint, not after a whole election timeout', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.crash('c');
    cluster.standForElection('a');
    cluster.standForElection('b');
    cluster.settle();
    expect(rolesOf(cluster).slice(0, 2)).toEqual(['candidate', 'candidate']);
    for (const id of ['a', 'b']) cluster.at(id, ({ core }) => core.standSoon());
    cluster.runUntil(() => cluster.leader !== undefined, ELECTION_TICKS + 1);
  });

  test('a candidate that no voter refused keeps waiting for votes from slow disks, its own included', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.standForElection('a');
    expect(cluster.server('a').core.role).toBe('candidate');
    const { term } = cluster.server('a').core;
    for (let hints = 0; hints < 3; hints++) expect(cluster.server('a').core.standSoon()).toBe(undefined);
    cluster.run(ELECTION_TICKS - 1);
    expect(cluster.leader?.id).toBe('a');
    expect(cluster.leader?.core.term).toBe(term);
  });

  test('the first heartbeat of a living leader keeps a restarted server from standing', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.elect('a');
    cluster.crash('c');
    cluster.restart('c');
    cluster.at('c', ({ core }) => core.standSoon());
    const sent = cluster.sent.length;
    cluster.run(3 * ELECTION_TICKS);
    expect(cluster.sent.slice(sent).filter(({ kind }) => kind === 'pre-vote-request')).toEqual([]);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
  });

  test('a restarted server that hears no heartbeat is refused by pre-vote, and changes no term (§4.2.3)', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.elect('a');
    cluster.crash('c');
    cluster.restart('c');
    cluster.isLost = ({ from, to }) => from === 'a' && to === 'c';
    cluster.at('c', ({ core }) => core.standSoon());
    cluster.run(ELECTION_TICKS + 2);
    expect(cluster.sent.some(({ from, kind }) => from === 'c' && kind === 'pre-vote-request')).toBe(true);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
    expect(cluster.server('c').core).toMatchObject({ role: 'pre-candidate', term: 2 });
    cluster.heal();
    cluster.run(HEARTBEAT_TICKS);
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
  });

  test('a server whose log is behind does not keep the others from electing one of themselves (§5.4.1)', () => {
    const logs = { a: [1], b: [1, 1], c: [1, 1] };
    const cluster = new TestCluster({ ...ABC, logs, core: randomTimeouts(1) });
    cluster.at('a', ({ core }) => core.standSoon());
    cluster.run(1);
    for (const id of ['b', 'c']) cluster.at(id, ({ core }) => core.standSoon());
    cluster.runUntil(() => cluster.leader !== undefined, 2 * ELECTION_TICKS);
    expect(cluster.leader?.id).not.toBe('a');
  });

  test('the hint does nothing on a server that leads, knows a leader, or may not stand', () => {
    const cluster = new TestCluster({ voters: ['a', 'b'], learners: ['c'], others: ['d'] });
    cluster.elect('a');
    cluster.run(1);
    for (const id of ['a', 'b', 'c', 'd']) cluster.at(id, ({ core }) => core.standSoon());
    expect(cluster.server('b').core.leader).toBe('a');
    cluster.run(3 * ELECTION_TICKS);
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower', 'follower']);
    expect(cluster.server('a').core.term).toBe(2);
  });
});
