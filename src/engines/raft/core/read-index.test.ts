import { describe, expect, test } from 'vitest';
import { MAX_WAITING_READS } from './read-requests.ts';
import { TestCluster } from './testing/cluster.ts';
import { ELECTION_TICKS, HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

function led(): TestCluster {
  const cluster = new TestCluster(ABC);
  cluster.elect('a');
  return cluster;
}

describe('dissertation §6.4 ReadIndex', () => {
  test('a read on the leader and on a follower gets the commit index at its beginning', () => {
    const cluster = led();
    cluster.propose('a', 'x');
    cluster.settle();
    for (const id of ['a', 'c']) cluster.read(id, 1);
    cluster.settle();
    for (const id of ['a', 'c']) expect(cluster.server(id).reads).toEqual([{ requestId: 1, readIndex: 3 }]);
  });

  test('a deposed leader confirms no reads (trap 25)', () => {
    const cluster = led();
    cluster.isolate('a');
    cluster.elect('b');
    cluster.propose('b', 'x');
    cluster.settle();
    expect(cluster.server('a').core.role).toBe('leader');
    cluster.read('a', 1);
    cluster.settle();
    expect(cluster.server('a').reads).toEqual([]);
    cluster.heal();
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('a')).toMatchObject({ reads: [], refusedReads: [1] });
  });

  test('answers to heartbeats from before a read do not confirm it', () => {
    const cluster = led();
    cluster.tick('a', HEARTBEAT_TICKS);
    const heartbeats = cluster.network.splice(0);
    cluster.read('a', 1);
    cluster.network = heartbeats;
    cluster.settle();
    expect(cluster.server('a').reads).toEqual([]);
  });

  test('a leader confirms no read before it committed in its own term (trap 25)', () => {
    const cluster = led();
    cluster.propose('a', 'x');
    // b and c hold x, which is committed. Only a knows that it is.
    cluster.isLost = (message) => message.kind === 'append-request' && message.entries.length === 0;
    cluster.settle();
    cluster.crash('a');
    cluster.isLost = ({ kind }) => kind === 'append-response';
    cluster.elect('b');
    expect(cluster.server('b').core).toMatchObject({ commitIndex: 2, isEstablished: false });
    cluster.read('b', 1);
    cluster.read('c', 2);
    cluster.settle();
    for (const id of ['b', 'c']) expect(cluster.server(id).reads).toEqual([]);
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('b').reads).toEqual([{ requestId: 1, readIndex: 4 }]);
    expect(cluster.server('c').reads).toEqual([{ requestId: 2, readIndex: 4 }]);
  });

  test('reads that arrive together share one round of heartbeats', () => {
    const cluster = led();
    cluster.sent.length = 0;
    cluster.at('a', (server) => {
      for (let requestId = 1; requestId <= 100; requestId++) server.read(requestId);
    });
    cluster.settle();
    expect(cluster.server('a').reads.length).toBe(100);
    expect(cluster.sent.filter(({ kind }) => kind === 'heartbeat-request').length).toBe(2);
  });

  test('a read that arrives during a round waits for the next one', () => {
    const cluster = led();
    cluster.read('a', 1);
    const first = cluster.network.splice(0);
    cluster.read('a', 2);
    const second = cluster.network.splice(0);
    cluster.network = first;
    cluster.settle();
    expect(cluster.server('a').reads.map(({ requestId }) => requestId)).toEqual([1]);
    cluster.network = second;
    cluster.settle();
    expect(cluster.server('a').reads.map(({ requestId }) => requestId)).toEqual([1, 2]);
  });

  test('late answers to an earlier round confirm no later read (trap 26)', () => {
    const cluster = led();
    cluster.isLost = ({ kind }) => kind === 'heartbeat-response';
    cluster.read('a', 1);
    cluster.settle();
    const late = cluster.sent.filter(({ kind }) => kind === 'heartbeat-response');
    cluster.heal();
    cluster.isolate('a');
    cluster.elect('b');
    cluster.propose('b', 'x');
    cluster.settle();
    expect(cluster.server('a').core.role).toBe('leader');
    cluster.read('a', 2);
    for (const message of [...late, ...late]) cluster.at('a', ({ core }) => core.step(message));
    // A confirmed second read would return a state from before x.
    expect(cluster.server('a').reads).toEqual([{ requestId: 1, readIndex: 2 }]);
  });

  test('answers to the rounds of an earlier leadership confirm no read', () => {
    const cluster = led();
    for (let requestId = 1; requestId <= 5; requestId++) {
      cluster.read('a', requestId);
      cluster.settle();
    }
    const old = cluster.sent.filter(({ kind }) => kind === 'heartbeat-response');
    cluster.at('a', ({ core }) => core.stepDown());
    cluster.elect('a');
    cluster.isolate('a');
    cluster.read('a', 6);
    for (const message of old) cluster.at('a', ({ core }) => core.step(message));
    expect(cluster.server('a').reads.length).toBe(5);
  });

  test('a cluster of one answers its reads alone', () => {
    const cluster = new TestCluster({ voters: ['a'], learners: ['b'] });
    cluster.elect('a');
    cluster.crash('b');
    cluster.read('a', 1);
    expect(cluster.server('a').reads).toEqual([{ requestId: 1, readIndex: 2 }]);
  });

  test('learners confirm no reads, and can read', () => {
    const cluster = new TestCluster({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    cluster.elect('a');
    cluster.read('d', 1);
    cluster.settle();
    expect(cluster.server('d').reads.length).toBe(1);
    cluster.cut('a', 'b');
    cluster.cut('a', 'c');
    cluster.read('a', 2);
    cluster.settle();
    expect(cluster.server('a').reads).toEqual([]);
  });

  test('a leader that steps down refuses all waiting reads, its own and those of followers', () => {
    const cluster = led();
    cluster.isLost = ({ kind }) => kind === 'heartbeat-response';
    cluster.read('a', 1);
    cluster.read('b', 2);
    cluster.settle();
    cluster.at('a', ({ core }) => core.stepDown());
    cluster.settle();
    expect(cluster.server('a').refusedReads).toEqual([1]);
    expect(cluster.server('b').refusedReads).toEqual([2]);
  });

  test('without a leader a read is refused at once', () => {
    const cluster = new TestCluster(ABC);
    cluster.read('a', 1);
    expect(cluster.server('a').refusedReads).toEqual([1]);
  });

  test('reads above the bound on waiting reads are refused (trap 36)', () => {
    const cluster = led();
    cluster.isolate('a');
    cluster.at('a', (server) => {
      for (let requestId = 0; requestId < MAX_WAITING_READS + 3; requestId++) server.read(requestId);
    });
    expect(cluster.server('a').refusedReads.length).toBe(3);
    cluster.heal();
    cluster.run(ELECTION_TICKS);
    expect(cluster.server('a').reads.length).toBe(MAX_WAITING_READS);
  });
});
