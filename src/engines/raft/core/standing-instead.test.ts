import { describe, expect, test } from 'vitest';
import { SPREAD_TICKS } from './state.ts';
import { randomTimeouts, TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function rolesOf(cluster: TestCluster): string[] {
  return [...cluster.servers.values()].map(({ core }) => core.role);
}

describe('a server that gets a pre-vote request from a server whose log is behind', () => {
  test('stands soon, not after a whole election timeout, if it follows no leader', () => {
    const cluster = new TestCluster({ ...ABC, core: randomTimeouts(1) });
    cluster.isLost = ({ kind, to }) => kind === 'append-request' && to === 'a';
    cluster.elect('b');
    cluster.run(HEARTBEAT_TICKS);
    cluster.crash('b');
    // c asks a moment too early, is refused by loyalty, and would have to wait.
    cluster.at('c', ({ core }) => core.suspectLeader('b'));
    cluster.run(SPREAD_TICKS + 1);
    expect(rolesOf(cluster)).toEqual(['follower', 'leader', 'pre-candidate']);
    expect(cluster.server('a').core.leader).toBe('b');
    cluster.at('a', ({ core }) => core.suspectLeader('b'));
    cluster.runUntil(() => cluster.server('c').core.role === 'leader', 2 * SPREAD_TICKS + 1);
  });

  test('does not stand while it is loyal to a leader', () => {
    const cluster = new TestCluster({ ...ABC, logs: { a: [1], b: [1, 1], c: [1, 1] } });
    cluster.elect('b');
    cluster.cut('a', 'b');
    const { term } = cluster.server('b').core;
    for (let time = 0; time < 3; time++) {
      cluster.tick('a', 2 * ELECTION_TICKS);
      cluster.run(SPREAD_TICKS + 1);
    }
    expect(cluster.sent.some(({ kind, from }) => kind === 'pre-vote-request' && from === 'a')).toBe(true);
    expect(rolesOf(cluster)).toEqual(['pre-candidate', 'leader', 'follower']);
    expect(cluster.server('b').core.term).toBe(term);
  });
});
