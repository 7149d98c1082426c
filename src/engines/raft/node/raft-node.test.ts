import { describe, expect, test } from 'vitest';
import { TestCluster, type TestNode, testOptions } from './testing/cluster.ts';

const THREE = ['a', 'b', 'c'];
/** The shortest time before a follower stands by itself. */
const ELECTION_MS = testOptions('').electionTicks * testOptions('').tickMs;
const APPLIED_ONCE = { kind: 'applied', result: 1 };
function writeMany(node: TestNode, prefix: string, count: number): void {
  for (let number = 0; number < count; number++) {
    expect(node.write(`${prefix}${number}`)).toEqual(APPLIED_ONCE);
  }
}

describe('writes', () => {
  test('a write through any node is applied on every node', () => {
    const cluster = TestCluster.of(THREE);
    for (const node of cluster.nodes) expect(node.write(`by-${node.name}`)).toEqual(APPLIED_ONCE);
    cluster.settle();
    for (const node of cluster.nodes) {
      expect(THREE.map((name) => node.count(`by-${name}`))).toEqual([1, 1, 1]);
      expect(node.running.membership.members().map(({ role }) => role)).toEqual(['voter', 'voter', 'voter']);
    }
  });

  test('a write whose leader dies is sent to the next one, and applied once', () => {
    const cluster = TestCluster.of(THREE);
    const old = cluster.leader();
    const [asked, other] = cluster.followers();
    // The old leader and the other follower have it in their logs, and the leader dies before it can say so.
    cluster.network.filter = (from, _, message) =>
      !(message.kind === 'raft' && message.message.kind === 'append-response') ||
      from === asked?.status.server;
    const outcomes = asked?.propose('x') ?? [];
    cluster.clock.runUntil(
      () => (other?.status.lastLogIndex ?? 0) > (old.status.commitIndex ?? 0),
      'it is sent',
    );
    old.kill();
    cluster.network.filter = () => true;
    expect(cluster.firstOf(outcomes, 'the write is answered')).toEqual(APPLIED_ONCE);
    old.start();
    cluster.settle();
    expect(cluster.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1]);
    expect(outcomes).toHaveLength(1);
  });

  test('a write that reached no leader is refused, and the outcome of one that may have is unknown (trap 34)', () => {
    const cluster = TestCluster.of(THREE);
    const leader = cluster.leader();
    const [alone, other] = cluster.followers();
    for (const node of [leader, other]) cluster.network.cutOff.add(node?.address ?? '');
    const afterCut = alone?.propose('lost') ?? [];
    const byOldLeader = leader.propose('stuck');
    expect(cluster.firstOf(byOldLeader, 'the old leader gives up')).toEqual({ kind: 'unknown' });
    expect(cluster.firstOf(afterCut, 'it gives up')).toEqual({ kind: 'unknown' });
    const later = alone?.propose('never sent') ?? [];
    expect(cluster.firstOf(later, 'it gives up')).toEqual({ kind: 'refused', reason: 'no-leader' });
  });

  test('a leader whose disk is nearly full refuses writes, and accepts them when there is space (trap 33)', () => {
    const cluster = TestCluster.of(THREE);
    cluster.leader().store.freeBytes = 10;
    expect(cluster.followers()[0]?.write('x')).toEqual({ kind: 'refused', reason: 'disk-full' });
    cluster.leader().store.freeBytes = 1_000_000;
    expect(cluster.followers()[0]?.write('x')).toEqual(APPLIED_ONCE);
  });

  test('a single node answers a write only when its own disk holds it (trap 2)', () => {
    const cluster = TestCluster.of(['a']);
    const node = cluster.leader();
    node.store.isHeld = true;
    const outcomes = node.propose('x');
    cluster.clock.advance(50);
    expect(outcomes).toEqual([]);
    node.store.release();
    expect(cluster.firstOf(outcomes, 'it is durable')).toEqual(APPLIED_ONCE);
  });
});

describe('reads', () => {
  test('a read on any node sees every write that was acknowledged before', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    cluster.leader().write('x');
    const outcomes = follower?.read() ?? [];
    expect(cluster.firstOf(outcomes, 'the read is answered')).toEqual({ kind: 'ready' });
    expect(follower?.count('x')).toBe(1);
  });

  test('a leader that is cut off confirms no read (trap 25)', () => {
    const cluster = TestCluster.of(THREE);
    const old = cluster.leader();
    cluster.network.cutOff.add(old.address);
    const outcomes = old.read();
    cluster.leader().write('x');
    expect(cluster.firstOf(outcomes, 'the read is refused')).toEqual({
      kind: 'refused',
      reason: 'no-leader',
    });
    expect(old.count('x')).toBe(0);
  });
});

describe('stopping and starting', () => {
  test('a leader that stops hands over first: nobody waits for an election', () => {
    const cluster = TestCluster.of(THREE);
    const old = cluster.leader();
    const before = cluster.clock.now();
    old.stop();
    const electionTimeoutMs = 100;
    cluster.leader();
    expect(cluster.clock.now() - before).toBeLessThan(electionTimeoutMs);
  });

  test('a leader that stops answers the writes that it has accepted', () => {
    const cluster = TestCluster.of(THREE);
    const leader = cluster.leader();
    const outcomes = leader.propose('x');
    leader.stop();
    expect(outcomes).toEqual([APPLIED_ONCE]);
  });

  test('nodes that were all killed have every acknowledged write when they are back', () => {
    const cluster = TestCluster.of(THREE);
    writeMany(cluster.leader(), 'x', 20);
    for (const node of cluster.nodes) node.kill();
    for (const node of cluster.nodes) node.start();
    cluster.leader().write('after');
    cluster.settle();
    for (const node of cluster.nodes) expect([node.count('x0'), node.count('x19')]).toEqual([1, 1]);
  });

  test('nodes that start together elect a leader before any election timeout', () => {
    const cluster = TestCluster.of(THREE);
    cluster.settle();
    for (const node of cluster.nodes) node.kill();
    for (const node of cluster.nodes) node.start();
    const startedAt = cluster.clock.now();
    cluster.leader();
    expect(cluster.clock.now() - startedAt).toBeLessThan(ELECTION_MS);
  });

  test('a follower that is started again causes no election', () => {
    const cluster = TestCluster.of(THREE);
    const leader = cluster.leader();
    const { term } = leader.status;
    const [follower] = cluster.followers();
    for (let round = 0; round < 5; round++) {
      follower?.kill();
      follower?.start();
      cluster.clock.advance(3 * ELECTION_MS);
    }
    expect(leader.status).toMatchObject({ state: 'leader', term });
  });

  /** Three nodes with a long election timeout, and its length. */
  function patientCluster() {
    const cluster = new TestCluster();
    const electionTicks = 100;
    const founder = cluster.add('a').start({ bootstrap: true, electionTicks });
    cluster.leader();
    for (const name of ['b', 'c']) {
      cluster.add(name).start({ electionTicks });
      founder.join(name);
    }
    cluster.settle();
    return { cluster, timeoutMs: electionTicks * testOptions('').tickMs };
  }

  test('when the process of a leader dies another one leads before any timeout, also when the first votes fail', () => {
    const { cluster, timeoutMs } = patientCluster();
    cluster.leader().kill();
    const diedAt = cluster.clock.now();
    let refusals = 0;
    cluster.network.filter = (_from, _to, message) => {
      const isFirst = cluster.clock.now() - diedAt < timeoutMs / 2;
      const isVote = message.kind === 'raft' && message.message.kind === 'pre-vote-response';
      if (isVote && isFirst) refusals += 1;
      return !(isVote && isFirst);
    };
    cluster.leader();
    expect(refusals).toBeGreaterThan(0);
    expect(cluster.clock.now() - diedAt).toBeLessThan(timeoutMs);
  });

  test('the followers of an unreachable leader wait for their timeout', () => {
    const { cluster, timeoutMs } = patientCluster();
    cluster.network.cutOff.add(cluster.leader().address);
    cluster.clock.advance(0.9 * timeoutMs);
    expect(cluster.nodes.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    cluster.leader();
  });

  test('sequences of an earlier start are not confused with those of this one', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    follower?.write('x');
    follower?.kill();
    follower?.start();
    expect(follower?.write('y')).toEqual(APPLIED_ONCE);
    expect(follower?.count('x')).toBe(1);
  });

  test('every call of stop is answered', () => {
    const cluster = TestCluster.of(THREE);
    const done: string[] = [];
    const node = cluster.leader().running;
    node.stop(() => done.push('first'));
    node.stop(() => done.push('second'));
    expect(done).toEqual([]);
    cluster.clock.runUntil(() => done.length === 2, 'both are answered');
    node.stop(() => done.push('third'));
    cluster.clock.settle();
    expect(done).toEqual(['first', 'second', 'third']);
    expect(node.status().state).toBe('stopped');
  });

  test('a disk that fails while the node stops ends the node once', () => {
    const cluster = TestCluster.of(['a']);
    const node = cluster.leader();
    const done: string[] = [];
    node.store.failure = 'storage_failed';
    node.propose('x');
    node.running.stop(() => done.push('stopped'));
    cluster.clock.runUntil(() => done.length > 0, 'it stops');
    cluster.clock.advance(5_000);
    expect(done).toEqual(['stopped']);
    expect(node.fatalError).toMatchObject({ code: 'storage_failed' });
  });

  test('waiting requests are answered when the node stops', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    for (const { address } of cluster.nodes) cluster.network.cutOff.add(address);
    const write = follower?.propose('x');
    const read = follower?.read();
    const removal = follower?.changeMembers({ kind: 'remove', node: 'a' });
    cluster.clock.settle();
    follower?.stop();
    expect([write?.length, read?.length, removal?.length]).toEqual([1, 1, 1]);
  });

  test('a failing disk stops the node, and its callers are answered', () => {
    const cluster = TestCluster.of(['a']);
    const node = cluster.leader();
    node.store.failure = 'storage_failed';
    const outcomes = node.propose('x');
    cluster.clock.runUntil(() => node.fatalError !== undefined, 'it stops');
    expect(outcomes).toEqual([{ kind: 'unknown' }]);
    expect(node.status.state).toBe('stopped');
  });

  test('damage that is found at a start fails that start', () => {
    const cluster = TestCluster.of(['a']);
    const node = cluster.leader();
    node.write('x');
    cluster.clock.advance(1_000);
    node.kill();
    const damaged = new Map(node.disk.rows);
    const session = [...damaged.keys()].find((key) => key.includes('raft/session/'));
    damaged.set(session ?? '', new Uint8Array([1, 2, 3, 4, 5]));
    node.disk.rows = damaged;
    node.start();
    expect(node.startError).toMatchObject({ code: 'record_damaged' });
  });
});

describe('members', () => {
  test('a node whose disk was wiped is replaced by its new incarnation, and has everything again (trap 19)', () => {
    const cluster = TestCluster.of(THREE);
    cluster.leader().write('x');
    const [wiped] = cluster.followers();
    const before = wiped?.status.server;
    wiped?.kill();
    wiped?.wipe();
    wiped?.start();
    expect(cluster.leader().join(wiped?.name ?? '')).toMatchObject({ kind: 'done', role: 'voter' });
    cluster.settle();
    expect(wiped?.count('x')).toBe(1);
    const { members, removed } = cluster.leader().status.configuration;
    expect(members.map(({ server }) => server)).toContain(wiped?.status.server);
    expect(removed).toEqual([before]);
  });

  test('a removed node reports it, takes no part, and disturbs nobody', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    const { term } = cluster.leader().status;
    expect(cluster.leader().remove(follower?.name ?? '')).toMatchObject({ kind: 'done', role: 'removed' });
    cluster.clock.runUntil(() => follower?.removals === 1, 'it learns of it');
    cluster.clock.advance(2_000);
    expect(follower?.status.state).toBe('removed');
    expect(follower?.write('x')).toEqual({ kind: 'refused', reason: 'no-leader' });
    expect(cluster.leader().status.term).toBe(term);
    expect(follower?.removals).toBe(1);
  });

  test('a removed node stays removed after a restart, and joins again as a new server', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    const name = follower?.name ?? '';
    const before = follower?.status.server;
    cluster.leader().remove(name);
    cluster.clock.runUntil(() => follower?.removals === 1, 'it learns of it');
    cluster.clock.advance(100);
    follower?.kill();
    follower?.start();
    expect(follower?.status.state).toBe('removed');
    follower?.kill();
    follower?.start({ join: true });
    expect(follower?.status).toMatchObject({ state: 'waiting', clusterId: '' });
    expect(cluster.leader().join(name)).toMatchObject({ kind: 'done', role: 'voter' });
    expect(follower?.status.server).not.toBe(before);
  });

  test('a leader that removes itself answers that it did, and hands over (trap 20)', () => {
    const cluster = TestCluster.of(THREE);
    const old = cluster.leader();
    expect(old.remove(old.name)).toMatchObject({ kind: 'done', role: 'removed' });
    cluster.clock.runUntil(() => old.removals === 1, 'it leaves');
    expect(cluster.leader().status.configuration.members).toHaveLength(2);
  });

  test('a leader that is removed through a follower is removed, and the follower answers so', () => {
    const cluster = TestCluster.of(THREE);
    const old = cluster.leader();
    const [follower] = cluster.followers();
    expect(follower?.remove(old.name)).toMatchObject({ kind: 'done', role: 'removed' });
    cluster.clock.runUntil(() => old.removals === 1, 'it leaves');
  });

  test('a node that waits to be joined does not join a cluster that dials another node', () => {
    const cluster = TestCluster.of(THREE);
    const [follower] = cluster.followers();
    follower?.kill();
    follower?.wipe();
    follower?.start();
    // The others still dial the old incarnation at this address.
    cluster.clock.advance(1_000);
    expect(follower?.status).toMatchObject({ state: 'waiting', clusterId: '' });
  });

  test('a cluster that is founded on an old disk begins empty', () => {
    const cluster = TestCluster.of(['a', 'b']);
    const b = cluster.node('b');
    cluster.node('a').write('x');
    cluster.settle();
    cluster.clock.advance(1_000);
    cluster.node('a').remove('b');
    cluster.clock.runUntil(() => b.removals === 1, 'it learns of it');
    cluster.clock.advance(100);
    b.kill();
    // It starts over, and is killed before it has cleaned up.
    b.start({ join: true });
    b.kill();
    b.start({ bootstrap: true });
    cluster.clock.runUntil(() => b.isLeader, 'it leads a cluster of its own');
    expect(b.count('x')).toBe(0);
  });
});
