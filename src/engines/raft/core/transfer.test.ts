import { describe, expect, test } from 'vitest';
import { TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function led(): TestCluster {
  const cluster = new TestCluster(ABC);
  cluster.elect('a');
  cluster.run(HEARTBEAT_TICKS);
  return cluster;
}

function transfer(cluster: TestCluster): boolean {
  return cluster.at('a', ({ core }) => core.transferLeadership());
}

describe('dissertation §3.10 leadership transfer', () => {
  test('the target stands at once, and wins although the others just heard from the leader', () => {
    const cluster = led();
    expect(transfer(cluster)).toBe(true);
    cluster.settle();
    expect(cluster.leader?.id).toBe('b');
    expect(cluster.server('a').core).toMatchObject({ role: 'follower', leader: 'b', term: 3 });
  });

  test('the most advanced voter is chosen, and catches up first', () => {
    const cluster = led();
    cluster.isLost = ({ to, kind }) => to === 'b' && kind === 'append-request';
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.propose('a', 'y');
    expect(transfer(cluster)).toBe(true);
    expect(cluster.network.some(({ kind }) => kind === 'timeout-now')).toBe(false);
    cluster.settle();
    expect(cluster.leader?.id).toBe('c');
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('b').commands).toEqual(['x', 'y']);
  });

  test('proposals are refused during a transfer, and accepted again when the target does not answer', () => {
    const cluster = led();
    transfer(cluster);
    cluster.crash('b');
    cluster.settle();
    expect(cluster.server('a').core.isTransferring).toBe(true);
    expect(cluster.propose('a', 'x')).toEqual({ kind: 'refused', reason: 'not-leader' });
    cluster.run(ELECTION_TICKS);
    expect(cluster.server('a').core).toMatchObject({ isTransferring: false, role: 'leader', term: 2 });
    cluster.propose('a', 'x');
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands).toEqual(['x']);
  });

  test('a learner or a silent voter is never chosen', () => {
    const cluster = new TestCluster({ voters: ['a', 'b'], learners: ['c'] });
    cluster.elect('a');
    cluster.crash('b');
    for (let i = 0; i < ELECTION_TICKS; i++) cluster.run(1);
    expect(transfer(cluster)).toBe(false);
    expect(cluster.server('a').core.isTransferring).toBe(false);
  });

  test('a follower cannot transfer leadership', () => {
    expect(led().at('b', ({ core }) => core.transferLeadership())).toBe(false);
  });

  test('a timeout-now that is late or not from the leader is ignored', () => {
    const cluster = led();
    cluster.deliver({ kind: 'timeout-now', from: 'c', to: 'b', term: 2 });
    expect(cluster.server('b').core.role).toBe('follower');
    transfer(cluster);
    cluster.settle();
    cluster.deliver({ kind: 'timeout-now', from: 'a', to: 'c', term: 2 });
    expect(cluster.server('c').core).toMatchObject({ role: 'follower', term: 3 });
  });

  test('reads stay linearizable across a transfer (trap 27)', () => {
    const cluster = led();
    transfer(cluster);
    cluster.cut('a', 'b');
    cluster.cut('a', 'c');
    cluster.at('b', ({ core }) => core.suspectLeader('a'));
    cluster.elect('b');
    cluster.propose('b', 'x');
    cluster.settle();
    cluster.read('a', 1);
    cluster.settle();
    expect(cluster.server('a').reads).toEqual([]);
  });
});
