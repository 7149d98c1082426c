import { expect, test } from 'vitest';
import type { RaftOptions } from './options.ts';
import { TestCluster } from './testing/cluster.ts';

/** Heartbeats every 100 ms, an election after one to two seconds. */
const SLOW: Partial<RaftOptions> = { tickMs: 50, electionTicks: 20, heartbeatTicks: 2 };

function clusterOfThree(): TestCluster {
  const cluster = new TestCluster();
  for (const name of ['a', 'b', 'c']) cluster.add(name);
  cluster.node('a').start({ ...SLOW, bootstrap: true });
  cluster.leader();
  for (const name of ['b', 'c']) {
    cluster.node(name).start(SLOW);
    cluster.node('a').join(name);
  }
  cluster.settle();
  return cluster;
}

test("a node that lacks a write never reports a staleness below that write's age, also after a failover", () => {
  const cluster = clusterOfThree();
  const leader = cluster.leader();
  cluster.clock.advance(130);
  leader.write('x');
  const acknowledgedAt = cluster.clock.now();
  const others = cluster.followers();
  // The leader is cut off before its followers hear that the write is committed.
  expect(others.map((node) => node.count('x'))).toEqual([0, 0]);
  cluster.network.cutOff.add(leader.address);
  const deadline = acknowledgedAt + 10_000;
  while (others.some((node) => node.count('x') === 0)) {
    expect(cluster.clock.now()).toBeLessThan(deadline);
    cluster.clock.advance(1);
    const sinceWrite = cluster.clock.now() - acknowledgedAt;
    for (const node of others) {
      if (node.count('x') !== 0) continue;
      expect(node.running.stalenessMs() ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(sinceWrite - 1);
    }
  }
});

test('the first commit of a new leader is sent at once, with the commits that the old one had not sent', () => {
  const cluster = clusterOfThree();
  const leader = cluster.leader();
  cluster.clock.advance(130);
  leader.write('x');
  const others = cluster.followers();
  cluster.network.cutOff.add(leader.address);
  const deadline = cluster.clock.now() + 10_000;
  while (others.every((node) => node.count('x') === 0)) {
    expect(cluster.clock.now()).toBeLessThan(deadline);
    cluster.clock.advance(1);
  }
  // Well within a heartbeat.
  cluster.clock.advance(20);
  expect(others.map((node) => node.count('x'))).toEqual([1, 1]);
});
