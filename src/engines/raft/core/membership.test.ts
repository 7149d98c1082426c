import { describe, expect, test } from 'vitest';
import { EMPTY_CONFIGURATION, withMember, withoutMember } from './configuration.ts';
import { configurationOf, member, randomTimeouts, TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function membersAt(cluster: TestCluster, id: string): string {
  const { members } = cluster.server(id).core.configuration;
  return members.map(({ server, role }) => (role === 'voter' ? server : `(${server})`)).join(' ');
}

describe('dissertation §4.1 one change at a time', () => {
  test('a change is in force as soon as it is appended', () => {
    const cluster = new TestCluster({ ...ABC, others: ['d'] });
    cluster.elect('a');
    cluster.isolate('a');
    const result = cluster.change('a', (now) => withMember(now, member('d')));
    expect(result).toMatchObject({ kind: 'appended', index: 3 });
    expect(membersAt(cluster, 'a')).toBe('a b c d');
    expect(cluster.server('a').core.isConfigurationCommitted).toBe(false);
    expect(cluster.server('a').core.committedConfiguration).toEqual(configurationOf(['a', 'b', 'c']));
  });

  test('a second change is refused until the first is committed (trap 16)', () => {
    const cluster = new TestCluster({ ...ABC, others: ['d', 'e'] });
    cluster.elect('a');
    cluster.change('a', (now) => withMember(now, member('d', 'learner')));
    const refused = { kind: 'refused', reason: 'change-under-way' };
    expect(cluster.change('a', (now) => withMember(now, member('e', 'learner')))).toEqual(refused);
    cluster.settle();
    expect(cluster.change('a', (now) => withMember(now, member('e', 'learner')))).toMatchObject({
      kind: 'appended',
    });
  });

  test('a leader refuses changes before it committed in its own term (trap 15; raft-dev, July 2015)', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('b');
    cluster.run(HEARTBEAT_TICKS);
    // The configuration in force is committed. Only an entry of the own term is missing.
    cluster.isLost = ({ kind }) => kind === 'append-request';
    cluster.at('b', ({ core }) => core.stepDown());
    cluster.elect('a');
    expect(cluster.server('a').core).toMatchObject({ isConfigurationCommitted: true, isEstablished: false });
    expect(cluster.change('a', (now) => withoutMember(now, 'c'))).toEqual({
      kind: 'refused',
      reason: 'leader-not-established',
    });
    cluster.heal();
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.change('a', (now) => withoutMember(now, 'c'))).toMatchObject({ kind: 'appended' });
  });

  test('a configuration without voters, or one that differs in two members, is refused', () => {
    const cluster = new TestCluster({ voters: ['a'], others: ['b', 'c'] });
    cluster.elect('a');
    expect(cluster.change('a', () => EMPTY_CONFIGURATION)).toEqual({ kind: 'refused', reason: 'no-voters' });
    expect(() => cluster.change('a', () => configurationOf(['a', 'b', 'c']))).toThrow('one member at a time');
    expect(cluster.change('a', (now) => withMember(now, member('b')))).toMatchObject({ kind: 'appended' });
  });

  test('a change is refused on other servers than the leader, and during a transfer', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    expect(cluster.change('b', (now) => now)).toEqual({ kind: 'refused', reason: 'not-leader' });
    cluster.at('a', ({ core }) => core.transferLeadership());
    expect(cluster.change('a', (now) => withoutMember(now, 'c'))).toMatchObject({
      reason: 'change-under-way',
    });
  });

  test('a cluster grows from one to five and shrinks to one, under load', () => {
    const cluster = new TestCluster({ voters: ['a'], others: ['b', 'c', 'd', 'e'] });
    cluster.elect('a');
    let number = 0;
    const change = (next: Parameters<TestCluster['change']>[1]): void => {
      cluster.propose('a', `${number++}`);
      expect(cluster.change('a', next)).toMatchObject({ kind: 'appended' });
      cluster.run(2 * HEARTBEAT_TICKS);
      expect(cluster.server('a').core.isConfigurationCommitted).toBe(true);
    };
    for (const id of ['b', 'c', 'd', 'e']) {
      change((now) => withMember(now, member(id, 'learner')));
      change((now) => withMember(now, member(id)));
      expect(cluster.server(id).commands.length).toBe(number);
    }
    expect(membersAt(cluster, 'e')).toBe('a b c d e');
    for (const id of ['e', 'd', 'c', 'b']) change((now) => withoutMember(now, id));
    expect(membersAt(cluster, 'a')).toBe('a');
    expect(cluster.server('a').core.configuration.removed).toEqual(['e', 'd', 'c', 'b']);
  });
});

describe('dissertation §4.2 learners and their promotion', () => {
  test('a promoted learner counts at once', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'] });
    cluster.elect('a');
    cluster.isolate('b');
    cluster.change('a', (now) => withMember(now, member('b')));
    cluster.settle();
    expect(cluster.server('a').core.isConfigurationCommitted).toBe(false);
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('a').core.isConfigurationCommitted).toBe(true);
    cluster.crash('a');
    cluster.tick('b', 10 * ELECTION_TICKS);
    expect(cluster.server('b').core.role).toBe('pre-candidate');
  });
});

describe('§4.1 a configuration that is truncated is rolled back (trap 17)', () => {
  test('to the one before it in the log, committed or not', () => {
    const cluster = new TestCluster({ ...ABC, logs: { c: [1, 1] } });
    const append = { kind: 'append-request', to: 'c', commitIndex: 0, previousLogTerm: 1 } as const;
    const configuration = withMember(configurationOf(['a', 'b', 'c']), member('d'));
    const change = { kind: 'configuration', index: 3, term: 2, configuration } as const;
    cluster.deliver({ ...append, from: 'a', term: 2, previousLogIndex: 2, entries: [change] });
    expect(membersAt(cluster, 'c')).toBe('a b c d');
    const winner = { kind: 'leader-start', index: 3, term: 3 } as const;
    cluster.deliver({ ...append, from: 'b', term: 3, previousLogIndex: 2, entries: [winner] });
    expect(membersAt(cluster, 'c')).toBe('a b c');
  });

  test('also when only the snapshot has that configuration (canonical/raft 323), before and after a restart', () => {
    for (const restarts of [false, true]) {
      const cluster = new TestCluster(ABC);
      cluster.elect('a');
      cluster.isolate('c');
      for (let i = 0; i < 5; i++) cluster.propose('a', `${i}`);
      cluster.settle();
      cluster.propose('a', 'x');
      cluster.settle();
      cluster.at('a', (server) => server.compact());
      cluster.heal();
      cluster.run(2 * HEARTBEAT_TICKS);
      expect(cluster.server('c').core.logStart.index).toBeGreaterThan(5);
      cluster.at('a', ({ core }) => core.stepDown());
      cluster.elect('c');
      cluster.isolate('c');
      cluster.change('c', (now) => withMember(now, member('d')));
      if (restarts) {
        cluster.crash('c');
        cluster.restart('c');
      }
      expect(membersAt(cluster, 'c')).toBe('a b c d');
      cluster.elect('a');
      cluster.heal();
      cluster.run(2 * HEARTBEAT_TICKS);
      expect(membersAt(cluster, 'c')).toBe('a b c');
      expect(cluster.server('c').core.isConfigurationCommitted).toBe(true);
    }
  });

  test('also when the server restarted in between', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], others: ['d'] });
    cluster.elect('a');
    cluster.isolate('a');
    cluster.change('a', (now) => withMember(now, member('d')));
    cluster.crash('a');
    cluster.restart('a');
    expect(membersAt(cluster, 'a')).toBe('a b c d');
    cluster.elect('b');
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(membersAt(cluster, 'a')).toBe('a b c');
  });
});

describe('dissertation §4.2.2 removing the leader (trap 20)', () => {
  test('a removed leader leads until the change is committed, without counting itself, then hands over', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.change('a', (now) => withoutMember(now, 'a'));
    cluster.settle();
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', isConfigurationCommitted: false });
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'follower', isConfigurationCommitted: true });
    expect(cluster.leader?.id).toMatch(/[bc]/);
    expect(cluster.leader?.core.term).toBe(3);
    cluster.propose(cluster.leader?.id ?? '', 'x');
    cluster.settle();
    expect(cluster.server('b').commands).toEqual(['x']);
    expect(cluster.server('a').commands).toEqual([]);
  });

  test('a removed leader does not leave when another entry is committed', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isLost = (message) =>
      message.kind === 'append-request' && message.entries.some(({ kind }) => kind === 'configuration');
    cluster.propose('a', 'x');
    cluster.change('a', (now) => withoutMember(now, 'a'));
    cluster.settle();
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', commitIndex: 3, lastLogIndex: 4 });
  });

  test('a removed server never stands again, and one that does not know of its removal disturbs no leader (trap 4)', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isolate('c');
    cluster.change('a', (now) => withoutMember(now, 'c'));
    cluster.settle();
    cluster.heal();
    // c does not know: it still stands as a voter, again and again.
    cluster.run(10 * ELECTION_TICKS);
    expect(cluster.sent.some(({ kind, from }) => kind === 'pre-vote-request' && from === 'c')).toBe(true);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
    cluster.change('a', (now) => withoutMember(now, 'a'));
    cluster.settle();
    cluster.run(10 * ELECTION_TICKS);
    expect(cluster.leader?.id).toBe('b');
    expect(cluster.server('a').core.role).toBe('follower');
  });

  test('a removed server still stands until its removal is committed, as the other may need it (figure 4.6)', () => {
    for (const restarts of [false, true]) {
      const cluster = new TestCluster({ voters: ['a', 'b'], core: randomTimeouts(2) });
      cluster.elect('a');
      // Only a holds its own removal, so that b, whose log is shorter, cannot win a's vote.
      cluster.isolate('a');
      cluster.change('a', (now) => withoutMember(now, 'a'));
      cluster.settle();
      cluster.at('a', ({ core }) => core.stepDown());
      if (restarts) {
        cluster.crash('a');
        cluster.restart('a');
      }
      cluster.heal();
      cluster.runUntil(() => cluster.leader?.id === 'b' && cluster.leader.core.isEstablished);
      cluster.run(5 * ELECTION_TICKS);
      expect(membersAt(cluster, 'b')).toBe('b');
      expect(cluster.leader?.id).toBe('b');
      expect(cluster.server('a').core.role).toBe('follower');
    }
  });

  test('a leader that was made a learner hands over too', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.change('a', (now) => withMember(now, member('a', 'learner')));
    cluster.settle();
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.leader?.id).toMatch(/[bc]/);
    expect(membersAt(cluster, 'a')).toBe('(a) b c');
  });

  test('if a removed leader dies before the change is committed, the others decide', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(3) });
    cluster.elect('a');
    cluster.isolate('a');
    cluster.change('a', (now) => withoutMember(now, 'a'));
    cluster.settle();
    cluster.crash('a');
    cluster.heal();
    cluster.runUntil(() => cluster.leader !== undefined);
    cluster.restart('a');
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(membersAt(cluster, 'a')).toBe('a b c');
  });
});
