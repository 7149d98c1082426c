import { describe, expect, test } from 'vitest';
import { MAX_INFLIGHT_APPENDS } from './progress.ts';
import {
  command,
  configurationOf,
  logOfTerms,
  TestCluster,
  type TestClusterOptions,
} from './testing/cluster.ts';
import { HEARTBEAT_TICKS } from './testing/server.ts';

const ABC = { voters: ['a', 'b', 'c'] };

/** A cluster led by `leader`. */
function led(leader: string, options: TestClusterOptions = ABC): TestCluster {
  const cluster = new TestCluster(options);
  cluster.elect(leader);
  return cluster;
}

describe('§5.3 log replication', () => {
  test('all servers apply the proposals, in one order', () => {
    const cluster = led('a');
    for (const text of ['x', 'y', 'z']) cluster.propose('a', text);
    cluster.run(HEARTBEAT_TICKS);
    for (const server of cluster.running) expect(server.commands).toEqual(['x', 'y', 'z']);
  });

  test('the commit index goes with the next entries or heartbeat, not in a message of its own', () => {
    const cluster = led('a');
    cluster.run(HEARTBEAT_TICKS);
    cluster.sent.length = 0;
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.sent.filter(({ from, to }) => from === 'a' && to === 'b')).toHaveLength(1);
    expect([cluster.server('a').commands, cluster.server('b').commands]).toEqual([['x'], []]);
    cluster.propose('a', 'y');
    cluster.settle();
    expect(cluster.server('b').commands).toEqual(['x']);
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('b').commands).toEqual(['x', 'y']);
  });

  test('a follower that proposed an entry, or that reads, hears at once of its commit', () => {
    const cluster = led('a');
    cluster.at('a', ({ core }) => core.propose([command('x')], 'b'));
    cluster.settle();
    expect([cluster.server('b').commands, cluster.server('c').commands]).toEqual([['x'], []]);
    cluster.at('c', ({ core }) => core.readIndex(7));
    cluster.settle();
    expect(cluster.server('c').commands).toEqual(['x']);
  });

  test('a follower that reads with a slow disk hears of the commit before its own copy is durable', () => {
    const cluster = led('a');
    cluster.run(HEARTBEAT_TICKS);
    cluster.holdDisk('c');
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.at('c', ({ core }) => core.readIndex(7));
    cluster.settle();
    expect(cluster.server('c').commands).toEqual(['x']);
  });

  test('a stopped minority does not stop the others, and catches up', () => {
    const cluster = led('a');
    cluster.crash('c');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.server('a').commands).toEqual(['x']);
    cluster.restart('c');
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands).toEqual(['x']);
  });

  test('a leader without a majority commits nothing', () => {
    const cluster = led('a');
    cluster.isolate('a');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.server('a').commands).toEqual([]);
  });

  // Figure 7: the leader of term 8, and six possible followers.
  const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  test.each([
    { name: '(a) one missing', log: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { name: '(b) many missing', log: [1, 1, 1, 4] },
    { name: '(c) one extra', log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { name: '(d) extra of a later term', log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { name: '(e) missing and extra', log: [1, 1, 1, 4, 4, 4, 4] },
    { name: '(f) long divergence', log: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ])('figure 7 $name: the log becomes that of the leader', ({ log }) => {
    const cluster = new TestCluster({ ...ABC, logs: { a: LEADER, b: LEADER, c: log } });
    cluster.server('a').disk.hardState = { term: 7, votedFor: undefined };
    cluster.restart('a');
    cluster.isolate('c');
    cluster.elect('a');
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.server('a').core).toMatchObject({ role: 'leader', term: 8 });
    expect(cluster.termsOf('c')).toEqual([...LEADER, 8]);
    expect(cluster.server('c').applied).toEqual(cluster.server('a').applied);
  });

  test('back-off goes by term: a long divergent log costs few round trips (trap 13)', () => {
    const agreed = Array.from({ length: 10 }, () => 1);
    const of = (length: number, term: number): number[] => Array.from({ length }, () => term);
    const leader = [...agreed, ...of(300, 4), ...of(200, 5)];
    const follower = [...agreed, ...of(400, 2), ...of(300, 3)];
    const cluster = new TestCluster({ ...ABC, logs: { a: leader, b: leader, c: follower } });
    cluster.elect('a');
    cluster.run(1);
    expect(cluster.termsOf('c')).toEqual([...leader, 6]);
    const refusals = cluster.sent.filter(({ kind, from }) => kind === 'append-response' && from === 'c');
    const refused = refusals.filter((message) => message.kind === 'append-response' && !message.success);
    expect(refused.length).toBeLessThanOrEqual(5);
  });
});

describe('§5.3 appends at a follower', () => {
  const APPEND = { kind: 'append-request', from: 'a', to: 'c', term: 2 } as const;

  /** c has six entries, follows a in term 2, and knows of no committed entry. */
  function follower(): TestCluster {
    const cluster = new TestCluster({ ...ABC, logs: { a: [1, 1], b: [1, 1], c: [1, 1] } });
    cluster.isLost = ({ kind }) => kind === 'append-response';
    cluster.elect('a');
    cluster.propose('a', 'x', 'y', 'z');
    const entries = cluster.server('a').disk.entries(3, 7, 10_000);
    cluster.deliver({ ...APPEND, previousLogIndex: 2, previousLogTerm: 1, entries, commitIndex: 0 });
    expect(cluster.termsOf('c')).toEqual([1, 1, 2, 2, 2, 2]);
    cluster.network = [];
    return cluster;
  }

  test('a short, a repeated and an old append truncate nothing (trap 10)', () => {
    const cluster = follower();
    const log = cluster.server('c').disk.entries(1, 7, 10_000);
    for (const [first, count] of [
      [3, 1],
      [4, 0],
      [5, 2],
      [3, 4],
      [6, 0],
    ] as const) {
      const entries = log.slice(first - 1, first - 1 + count);
      const previousLogTerm = first === 3 ? 1 : 2;
      cluster.deliver({ ...APPEND, previousLogIndex: first - 1, previousLogTerm, entries, commitIndex: 0 });
      expect(cluster.termsOf('c')).toEqual([1, 1, 2, 2, 2, 2]);
      expect(cluster.network.pop()).toMatchObject({ success: true, index: first - 1 + count });
    }
  });

  test('the commit index never goes beyond the entries that an append verified (trap 11)', () => {
    // The log of c ends with entries of a former leader.
    const cluster = new TestCluster({ ...ABC, logs: { a: [1, 1], b: [1, 1], c: [1, 1, 2, 2, 2] } });
    const entries = logOfTerms([1, 1]).slice(1);
    cluster.deliver({
      ...APPEND,
      term: 3,
      previousLogIndex: 1,
      previousLogTerm: 1,
      entries,
      commitIndex: 5,
    });
    expect(cluster.server('c').core.commitIndex).toBe(2);
  });

  test('a heartbeat never commits beyond the end of the log', () => {
    const cluster = led('a', { ...ABC, logs: { a: [1], b: [1], c: [1] } });
    cluster.deliver({
      kind: 'heartbeat-request',
      from: 'a',
      to: 'c',
      term: 2,
      commitIndex: 2,
      readRound: 0,
    });
    expect(cluster.server('c').core.commitIndex).toBe(2);
  });

  test('an append before the start of the log is no conflict (trap 12)', () => {
    const cluster = led('a');
    for (const text of ['x', 'y', 'z', 'w']) {
      cluster.propose('a', text);
      cluster.settle();
    }
    cluster.run(HEARTBEAT_TICKS);
    const entries = cluster.server('a').disk.entries(2, 4, 10_000);
    cluster.at('c', (server) => server.compact(4));
    expect(cluster.server('c').core.logStart.index).toBe(4);
    const { commitIndex } = cluster.server('c').core;
    for (const previousLogIndex of [1, 2, 3]) {
      cluster.deliver({ ...APPEND, previousLogIndex, previousLogTerm: 1, entries, commitIndex: 3 });
      expect(cluster.network.pop()).toMatchObject({ success: true, index: commitIndex });
    }
    expect(cluster.server('c').core.lastLogIndex).toBe(6);
  });

  test('an append of an earlier term is refused with the term, and changes nothing', () => {
    const cluster = follower();
    cluster.deliver({
      ...APPEND,
      term: 1,
      previousLogIndex: 1,
      previousLogTerm: 1,
      entries: [],
      commitIndex: 2,
    });
    expect(cluster.network.pop()).toMatchObject({ kind: 'append-response', success: false, term: 2 });
    expect(cluster.termsOf('c')).toEqual([1, 1, 2, 2, 2, 2]);
  });

  test('a lost, late or repeated answer does no harm', () => {
    const cluster = led('a');
    cluster.propose('a', 'x');
    cluster.settle();
    const old = cluster.sent.filter(({ kind }) => kind === 'append-response');
    for (const text of ['y', 'z']) cluster.propose('a', text);
    for (const message of [...old, ...old.reverse()]) cluster.deliver(message);
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands).toEqual(['x', 'y', 'z']);
    expect(cluster.server('a').core.progressOf('c')).toMatchObject({ state: 'replicate' });
  });

  test('an outdated refusal does not move the leader back', () => {
    const cluster = led('a', { ...ABC, logs: { a: [1, 1, 1], b: [1, 1, 1], c: [1] } });
    const refusal = cluster.sent.find((message) => message.kind === 'append-response' && !message.success);
    expect(refusal).toMatchObject({ from: 'c' });
    cluster.propose('a', 'x');
    cluster.settle();
    const sent = cluster.sent.length;
    if (refusal !== undefined) cluster.deliver(refusal);
    expect(cluster.server('a').core.progressOf('c')?.state).toBe('replicate');
    expect(cluster.sent.length).toBe(sent);
  });
});

describe('§5.3 lost messages and bounds', () => {
  test('heartbeats make up for lost appends and answers', () => {
    const cluster = led('a');
    for (const kind of ['append-request', 'append-response']) {
      cluster.isLost = (message) => message.kind === kind;
      cluster.propose('a', kind);
      cluster.settle();
      cluster.heal();
      cluster.run(2 * HEARTBEAT_TICKS);
    }
    for (const server of cluster.running)
      expect(server.commands).toEqual(['append-request', 'append-response']);
  });

  test('heartbeats make up for a lost window of appends, which is never exceeded (trap 36)', () => {
    const cluster = led('a');
    cluster.cut('a', 'c');
    cluster.sent.length = 0;
    for (let i = 0; i < 200; i++) {
      cluster.propose('a', `${i}`);
      cluster.settle();
    }
    const appends = cluster.sent.filter(
      (message) => message.kind === 'append-request' && message.to === 'c' && message.entries.length > 0,
    );
    expect(appends.length).toBe(MAX_INFLIGHT_APPENDS);
    expect(cluster.server('a').commands.length).toBe(200);
    cluster.heal();
    cluster.run(3 * HEARTBEAT_TICKS);
    expect(cluster.server('c').commands.length).toBe(200);
  });

  test('a follower hears of a commit although the first messages about it are lost', () => {
    const cluster = led('a');
    cluster.propose('a', 'x');
    cluster.isLost = (message) => message.kind === 'append-request' && message.entries.length === 0;
    cluster.settle();
    expect(cluster.server('c').commands).toEqual([]);
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands).toEqual(['x']);
  });

  test('appends are pipelined: the next one leaves before the last one is answered', () => {
    const cluster = led('a');
    cluster.network = [];
    for (const text of ['x', 'y', 'z']) cluster.propose('a', text);
    expect(cluster.network.filter(({ kind, to }) => kind === 'append-request' && to === 'b').length).toBe(3);
  });

  test('one append carries a bounded number of bytes, but at least one entry', () => {
    const cluster = led('a', { ...ABC, core: { maxAppendBytes: 100 } });
    cluster.sent.length = 0;
    cluster.propose('a', 'x'.repeat(500), ...Array.from({ length: 20 }, (_, i) => `${i}`));
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands.length).toBe(21);
    const counts = cluster.sent.flatMap((message) =>
      message.kind === 'append-request' && message.to === 'c' ? [message.entries.length] : [],
    );
    expect(counts[0]).toBe(1);
    expect(Math.max(...counts)).toBe(3);
  });

  test('a leader with too many uncommitted bytes refuses as too-busy, until they are applied (trap 36)', () => {
    const cluster = led('a', { ...ABC, core: { maxUncommittedBytes: 200 } });
    cluster.cut('a', 'b');
    cluster.cut('a', 'c');
    expect(cluster.propose('a', 'x'.repeat(500))).toMatchObject({ kind: 'appended' });
    expect(cluster.propose('a', 'y')).toEqual({ kind: 'refused', reason: 'too-busy' });
    expect(cluster.server('a').core.lastLogIndex).toBe(3);
    cluster.heal();
    cluster.run(2 * HEARTBEAT_TICKS);
    expect(cluster.propose('a', 'y')).toMatchObject({ kind: 'appended' });
  });

  test('applied entries of earlier leaders make no room for proposals', () => {
    const of = Array.from({ length: 50 }, () => 1);
    const cluster = new TestCluster({
      ...ABC,
      logs: { a: of, b: of, c: of },
      core: { maxUncommittedBytes: 200 },
    });
    cluster.isLost = ({ kind }) => kind === 'append-response';
    cluster.elect('a');
    cluster.propose('a', 'x'.repeat(150));
    expect(cluster.propose('a', 'y'.repeat(150))).toMatchObject({ reason: 'too-busy' });
    // The leader's first entry and those before it are committed. The proposal is not.
    for (const from of ['b', 'c']) {
      const answer = { kind: 'append-response', from, to: 'a', term: 2, success: true } as const;
      cluster.at('a', ({ core }) => core.step({ ...answer, index: 51, hintIndex: 0, hintTerm: 0 }));
    }
    expect(cluster.server('a').core.appliedIndex).toBe(51);
    expect(cluster.propose('a', 'y'.repeat(150))).toMatchObject({ reason: 'too-busy' });
  });

  test('a proposal on another server than the leader is refused', () => {
    expect(led('a').propose('b', 'x')).toEqual({ kind: 'refused', reason: 'not-leader' });
  });

  test('an empty proposal changes nothing and delays no message', () => {
    const cluster = led('a');
    cluster.at('a', ({ core }) => core.propose([]));
    cluster.at('a', ({ core }) => core.stepDown());
    const request = { kind: 'vote-request', from: 'b', to: 'a', term: 2, leadershipTransfer: false } as const;
    cluster.at('a', ({ core }) => core.step({ ...request, lastLogIndex: 2, lastLogTerm: 2 }));
    expect(cluster.sent.at(-1)).toMatchObject({ kind: 'vote-response', from: 'a', granted: false });
  });

  test('learners get every entry', () => {
    const cluster = led('a', { voters: ['a', 'b'], learners: ['c'] });
    cluster.propose('a', 'x');
    cluster.run(HEARTBEAT_TICKS);
    expect(cluster.server('c').commands).toEqual(['x']);
    expect(cluster.server('c').core.configuration).toEqual(configurationOf(['a', 'b'], ['c']));
  });
});
