// Measures the leader's processor time for a write that a follower forwards, against one over its own HTTP.

import { followersOf } from '../cluster.ts';
import { type BenchContext, inTurns, type Measurement, measure, ratio } from '../context.ts';
import { Raft3dCluster } from '../raft3d-cluster.ts';
import { atMost, type PartReport } from '../result.ts';

const CONNECTIONS = 64;

export async function forwarded(context: BenchContext, report: PartReport): Promise<void> {
  report.title('Writes through a follower');
  const cluster = await Raft3dCluster.start(3);
  context.onEnd(() => cluster.remove());
  const leader = await cluster.leader();
  const [follower = leader] = followersOf(cluster, leader);
  const through = (url: string): Promise<Measurement> =>
    measure(cluster, leader, { url, kind: 'printer', connections: CONNECTIONS, seconds: context.seconds });
  const contenders = [
    { name: 'to the leader', measure: () => through(leader.url) },
    { name: 'to a follower', measure: () => through(follower.url) },
  ];
  for (const { measure } of contenders) await measure();
  context.tell('writes to the leader and to a follower');
  const found = await inTurns(context, contenders);
  await cluster.remove();
  const rows = [...found].map(([name, { perSecond, p50, p99, p999, leaderMicros, followerMicros }]) => [
    name,
    perSecond,
    p50,
    p99,
    p999,
    leaderMicros,
    followerMicros,
  ]);
  report.table({
    title: `Over ${CONNECTIONS} connections, sent`,
    columns: ['', 'writes/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'leader µs/write', 'follower µs/write (mean)'],
    rows,
  });
  report.goal(
    atMost(
      "the leader's processor time for a forwarded write, against one over its own HTTP",
      ratio(found.get('to a follower')?.leaderMicros, found.get('to the leader')?.leaderMicros),
      0.5,
      ' ×',
    ),
  );
}
