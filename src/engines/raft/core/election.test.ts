import { describe, expect, test } from 'vitest';
import type { ServerId } from './configuration.ts';
import { randomTimeouts, TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function rolesOf(cluster: TestCluster): string[] {
  return [...cluster.servers.values()].map(({ core }) => core.role);
}

describe('§5.2 elections', () => {
  test('a server starts as a follower, and stands after an election timeout without a leader', () => {
    const cluster = new TestCluster(ABC);
    cluster.tick('a', 2 * ELECTION_TICKS - 2);
    expect(rolesOf(cluster)).toEqual(['follower', 'follower', 'follower']);
    cluster.tick('a');
    expect(cluster.server('a').core.role).toBe('pre-candidate');
    cluster.settle();
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
    expect(cluster.server('b').core.leader).toBe('a');
  });

  test('heartbeats keep the followers from standing', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.run(20 * ELECTION_TICKS);
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
    expect(cluster.server('a').core.term).toBe(2);
  });

  test('a server votes for one candidate in a term, the first that asks', () => {
    const cluster = new TestCluster(ABC);
    cluster.standForElection('a');
    cluster.standForElection('b');
    cluster.network.sort((x, y) => (x.from < y.from ? -1 : 1));
    cluster.settle();
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
    expect(cluster.server('c').core.votedFor).toBe('a');
    expect(cluster.server('b').core.votedFor).toBe('b');
  });

  test('a split vote elects no leader, and random election timeouts resolve it', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const cluster = new TestCluster({ voters: ids, core: randomTimeouts(1) });
    for (const id of ids) cluster.standForElection(id);
    cluster.settle();
    expect(cluster.leader).toBeUndefined();
    cluster.runUntil(() => cluster.leader !== undefined);
  });

  test('a candidate follows the leader of its term', () => {
    const cluster = new TestCluster(ABC);
    cluster.isolate('b');
    cluster.standForElection('a');
    cluster.standForElection('b');
    cluster.settle();
    expect(rolesOf(cluster)).toEqual(['leader', 'candidate', 'follower']);
    cluster.heal();
    cluster.run(HEARTBEAT_TICKS);
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
    expect(cluster.server('b').core.term).toBe(2);
  });

  test('a leader that hears of a later term becomes a follower', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isolate('a');
    cluster.elect('b');
    expect(rolesOf(cluster)).toEqual(['leader', 'leader', 'follower']);
    cluster.heal();
    cluster.run(HEARTBEAT_TICKS);
    expect(rolesOf(cluster)).toEqual(['follower', 'leader', 'follower']);
  });

  test('votes of an earlier term do not count', () => {
    const cluster = new TestCluster(ABC);
    cluster.standForElection('a');
    const requests = cluster.network.splice(0);
    cluster.standForElection('a');
    cluster.network = requests;
    cluster.isLost = ({ term, kind }) => kind === 'vote-request' && term === 3;
    cluster.settle();
    expect(cluster.server('a').core.role).toBe('candidate');
  });

  test('a repeated vote counts once', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c', 'd', 'e'] });
    for (const id of ['c', 'd', 'e']) cluster.isolate(id);
    cluster.standForElection('a');
    cluster.settle();
    const vote = cluster.sent.find(({ kind }) => kind === 'vote-response');
    expect(vote).toMatchObject({ from: 'b', granted: true });
    if (vote !== undefined) for (let i = 0; i < 3; i++) cluster.deliver(vote);
    expect(cluster.server('a').core.role).toBe('candidate');
  });
});

describe('§5.4.1 a candidate needs an up-to-date log', () => {
  function vote(options: { candidate: number[]; voter: number[] }): boolean {
    const cluster = new TestCluster({ ...ABC, logs: { a: options.candidate, b: options.voter } });
    cluster.crash('c');
    cluster.standForElection('a');
    cluster.settle();
    // A second attempt, because the first may only tell the candidate the term.
    if (cluster.server('a').core.role === 'follower') {
      cluster.standForElection('a');
      cluster.settle();
    }
    return cluster.server('a').core.role === 'leader';
  }

  test.each<{ candidate: number[]; voter: number[]; elected: boolean; why: string }>([
    { candidate: [1, 2], voter: [1, 2], elected: true, why: 'the logs are alike' },
    { candidate: [1, 2, 2], voter: [1, 2], elected: true, why: 'of one last term the longer wins' },
    { candidate: [1, 2], voter: [1, 2, 2], elected: false, why: 'of one last term the shorter loses' },
    { candidate: [1, 3], voter: [1, 2, 2, 2], elected: true, why: 'a later last term wins over length' },
    { candidate: [1, 2, 2, 2], voter: [1, 3], elected: false, why: 'length does not win over the last term' },
  ])('$candidate asks $voter: $elected ($why)', ({ candidate, voter, elected }) => {
    expect(vote({ candidate, voter })).toBe(elected);
  });

  test('a pre-vote is refused by the same rule', () => {
    const cluster = new TestCluster({ ...ABC, logs: { a: [1], b: [1, 1], c: [1, 1] } });
    cluster.tick('a', 2 * ELECTION_TICKS);
    cluster.settle();
    expect(cluster.server('a').core).toMatchObject({ role: 'follower', term: 1 });
  });
});

describe('dissertation §9.6 pre-vote', () => {
  test('a server that returns from a partition does not depose the leader (trap 4)', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isolate('c');
    cluster.run(10 * ELECTION_TICKS);
    expect(cluster.server('c').core).toMatchObject({ role: 'pre-candidate', term: 2 });
    cluster.heal();
    cluster.run(3 * ELECTION_TICKS);
    expect(rolesOf(cluster)).toEqual(['leader', 'follower', 'follower']);
    expect(cluster.server('a').core.term).toBe(2);
  });

  test('a server of a later term with an old log does not keep the others from winning (etcd 8501)', () => {
    // a reached term 9 alone and lacks entries. The others, in lower terms, must still elect one of them.
    const cluster = new TestCluster({ ...ABC, logs: { a: [1], b: [1, 1], c: [1, 1] } });
    cluster.crash('c');
    for (let i = 0; i < 8; i++) cluster.standForElection('a');
    cluster.network = [];
    expect(cluster.server('a').core.term).toBe(9);
    cluster.runUntil(() => cluster.leader !== undefined);
    expect(cluster.leader?.id).toBe('b');
  });

  test('a pre-vote changes no term and no vote', () => {
    const cluster = new TestCluster(ABC);
    cluster.isLost = ({ kind }) => kind === 'pre-vote-response';
    cluster.tick('a', 2 * ELECTION_TICKS);
    cluster.settle();
    for (const { core } of cluster.servers.values())
      expect(core).toMatchObject({ term: 1, votedFor: undefined });
  });

  test('a grant for an earlier attempt does not count', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'] });
    cluster.tick('a', 2 * ELECTION_TICKS);
    const early = cluster.network.splice(0);
    cluster.standForElection('a');
    cluster.network = [];
    cluster.tick('a', 2 * ELECTION_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'pre-candidate', term: 2 });
    cluster.network = early;
    cluster.isLost = ({ kind, term }) => kind === 'pre-vote-request' && term === 3;
    cluster.settle();
    expect(cluster.server('a').core).toMatchObject({ role: 'pre-candidate', term: 2 });
  });
});

describe('dissertation §4.2.3 stickiness and §6.2 check-quorum', () => {
  test('a leader without answers of a majority steps down within two election timeouts', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.isolate('a');
    for (let i = 0; i < 2 * ELECTION_TICKS; i++) {
      cluster.tick('a');
      cluster.settle();
    }
    expect(cluster.server('a').core).toMatchObject({ role: 'follower', leader: undefined });
  });

  test('a leader that only the answers do not reach steps down too (trap 5)', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.elect('a');
    cluster.cutOneWay('b', 'a');
    cluster.cutOneWay('c', 'a');
    cluster.runUntil(() => cluster.server('a').core.role !== 'leader');
    cluster.runUntil(() => cluster.leader !== undefined);
    expect(cluster.leader?.id).not.toBe('a');
  });

  test('a majority of voters is enough to keep leading, and learners do not count', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    cluster.elect('a');
    cluster.crash('c');
    cluster.run(5 * ELECTION_TICKS);
    expect(cluster.server('a').core.role).toBe('leader');
    cluster.crash('b');
    cluster.runUntil(() => cluster.server('a').core.role !== 'leader');
  });

  test('a follower that just heard from its leader ignores candidates of later terms', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.at('c', ({ core }) => core.suspectLeader('a'));
    cluster.at('c', ({ core }) => core.campaignNow());
    cluster.settle();
    expect(cluster.server('b').core).toMatchObject({ term: 2, leader: 'a' });
    expect(cluster.server('c').core.role).toBe('candidate');
  });

  test('of three servers in a line, of which only the middle one sees both others, one is a stable leader (trap 5)', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.cut('a', 'c');
    cluster.run(20 * ELECTION_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
  });

  test('five servers that each cannot see two others elect a leader and keep it (trap 5)', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const cluster = new TestCluster({ voters: ids, core: randomTimeouts(1) });
    for (const [position, id] of ids.entries()) cluster.cut(id, ids[(position + 1) % ids.length] ?? '');
    // Each sees two others, which is a majority with itself.
    cluster.runUntil(() => cluster.leader !== undefined);
    cluster.run(5 * ELECTION_TICKS);
    const term = cluster.leader?.core.term;
    cluster.run(20 * ELECTION_TICKS);
    expect(cluster.leader?.core.term).toBe(term);
  });

  test("a candidate of a later term than the leader's rejoins in the end", () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.at('c', ({ core }) => core.suspectLeader('a'));
    cluster.at('c', ({ core }) => core.campaignNow());
    cluster.settle();
    expect(cluster.server('c').core).toMatchObject({ role: 'candidate', term: 3 });
    cluster.runUntil(
      () => new Set(cluster.running.map(({ core }) => `${core.term} ${core.leader}`)).size === 1,
    );
    expect(cluster.leader).toBeDefined();
  });

  test('a hint without use changes nothing, and returns undefined', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    expect(cluster.server('b').core.suspectLeader('c')).toBeUndefined();
    expect(cluster.server('b').core.standSoon()).toBeUndefined();
    expect(cluster.server('a').core.suspectLeader('a')).toBeUndefined();
    expect(cluster.server('a').core).toMatchObject({ role: 'leader' });
    expect(cluster.server('b').core).toMatchObject({ leader: 'a' });
  });

  test('servers that get the hint at the same time stand within the ticks that it returns', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = new TestCluster({ ...ABC, core: randomTimeouts(seed) });
      cluster.elect('a');
      cluster.crash('a');
      const { core } = cluster.server('b');
      let asked = 0;
      cluster.isLost = ({ kind, from, to }) => {
        if (kind === 'pre-vote-request' && from === 'b' && to === 'c') asked += 1;
        return true;
      };
      cluster.run(core.suspectLeader('a') ?? 0);
      expect(asked).toBe(1);
      cluster.run(core.standSoon() ?? 0);
      expect(asked).toBe(2);
      cluster.run(core.standSoon(seed) ?? 0);
      expect(asked).toBe(3);
    }
  });

  test('servers that get places in an order stand in that order', () => {
    const cluster = new TestCluster(ABC);
    const places = { b: 0, c: 1, a: 2 };
    for (const [id, place] of Object.entries(places)) cluster.server(id).core.standSoon(place);
    const stood: string[] = [];
    cluster.isLost = ({ kind, from }) => {
      if (kind === 'pre-vote-request' && !stood.includes(from)) stood.push(from);
      return true;
    };
    cluster.run(HEARTBEAT_TICKS + 1);
    expect(stood).toEqual(['b']);
    cluster.run(ELECTION_TICKS - HEARTBEAT_TICKS - 2);
    expect(stood).toEqual(['b', 'c', 'a']);
  });

  test('suspecting a living leader changes nothing in the end', () => {
    const cluster = new TestCluster(ABC);
    cluster.elect('a');
    cluster.at('b', ({ core }) => core.suspectLeader('a'));
    cluster.run(3 * ELECTION_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 2 });
  });

  test('suspecting a dead leader elects another well before the election timeout', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.elect('a');
    cluster.crash('a');
    for (const id of ['b', 'c']) cluster.at(id, ({ core }) => core.suspectLeader('a'));
    cluster.runUntil(() => cluster.leader !== undefined, ELECTION_TICKS - 1);
  });
});

describe('the right to stand and to vote', () => {
  test('a learner votes when asked: it may be a voter that does not know it yet (trap 6)', () => {
    // a and b know that c is a voter by now; c does not. a has crashed.
    const cluster = new TestCluster({ voters: ['a', 'b'], learners: ['c'] });
    cluster.elect('a');
    cluster.isLost = ({ to, kind }) => to === 'c' && kind === 'append-request';
    cluster.change('a', (now) => ({
      ...now,
      members: now.members.map((member) => ({ ...member, role: 'voter' as const })),
    }));
    cluster.settle();
    cluster.crash('a');
    cluster.heal();
    expect(cluster.server('c').core.configuration.members[2]?.role).toBe('learner');
    cluster.runUntil(() => cluster.leader !== undefined);
    expect(cluster.leader?.id).toBe('b');
  });

  test('the vote of a server that is a learner to the candidate does not count', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    cluster.crash('b');
    cluster.crash('c');
    cluster.standForElection('a');
    for (const learner of ['d', 'e']) {
      cluster.deliver({ kind: 'vote-response', from: learner, to: 'a', term: 2, granted: true });
    }
    expect(cluster.server('a').core.role).toBe('candidate');
  });

  test('a learner drops a silent leader', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'] });
    cluster.elect('a');
    cluster.run(1);
    expect(cluster.server('b').core.leader).toBe('a');
    cluster.crash('a');
    cluster.runUntil(() => cluster.server('b').core.leader === undefined);
    expect(cluster.server('b').core.role).toBe('follower');
  });

  test('a learner and a server that is not a member never stand', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'], others: ['c'] });
    for (const id of ['b', 'c'] satisfies ServerId[]) {
      cluster.tick(id, 10 * ELECTION_TICKS);
      cluster.at(id, ({ core }) => core.standSoon());
      cluster.tick(id, 10 * ELECTION_TICKS);
      cluster.at(id, ({ core }) => core.campaignNow());
      expect(cluster.server(id).core.role).toBe('follower');
    }
  });

  test('a single voter elects itself, also after a restart and with a stopped learner (trap 7)', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'] });
    cluster.crash('b');
    cluster.runUntil(() => cluster.leader?.id === 'a');
    cluster.propose('a', 'x');
    cluster.crash('a');
    cluster.restart('a');
    expect(cluster.server('a').core.role).toBe('follower');
    cluster.runUntil(() => cluster.leader?.id === 'a');
    expect(cluster.server('a').commands).toEqual(['x']);
  });
});
