// Measures durable writes sent to the leader, of Raft3D and etcd in turns, over 1 to 256 connections.

import type { BenchCluster, BenchNode } from '../cluster.ts';
import { type BenchContext, inTurns, type Measurement, measure, ratio, startSystems } from '../context.ts';
import { flushesPerWrite } from '../flushes.ts';
import {
  atLeast,
  atMost,
  type Chart,
  type Curve,
  type Goal,
  type PartReport,
  type Table,
} from '../result.ts';

const CONNECTIONS = [1, 16, 64, 256];
const QUICK_CONNECTIONS = [1, 64];
const WARM_UP_CONNECTIONS = 64;
const FLUSH_CONNECTIONS = [1, 64];
const FLUSH_SECONDS = 3;

interface Subject {
  readonly cluster: BenchCluster;
  readonly leader: BenchNode;
}

export async function writes(context: BenchContext, report: PartReport): Promise<void> {
  report.title('Writes, durable on a majority, sent to the leader');
  const clusters = await startSystems(context);
  const subjects: Subject[] = [];
  for (const cluster of clusters) subjects.push({ cluster, leader: await cluster.leader() });
  // The warm-up: V8 compiles the hot code, and files grow to their size.
  for (const subject of subjects) await write(context, subject, WARM_UP_CONNECTIONS);
  const byConnections = new Map<number, Map<string, Measurement>>();
  for (const connections of context.isFull ? CONNECTIONS : QUICK_CONNECTIONS) {
    context.tell(`writes over ${connections} connections`);
    const contenders = subjects.map((subject) => ({
      name: subject.cluster.name,
      measure: () => write(context, subject, connections),
    }));
    byConnections.set(connections, await inTurns(context, contenders));
  }
  report.table(table(byConnections), ...againstEtcd(byConnections));
  report.chart(
    chart('Writes per second', 'writes/s', byConnections, ({ perSecond }) => perSecond),
    chart('Latency, 50 of 100', 'ms', byConnections, ({ p50 }) => p50),
    chart('Latency, 99 of 100', 'ms', byConnections, ({ p99 }) => p99),
  );
  report.goal(...goals(byConnections));
  report.table(...(await flushTable(context, subjects)));
  for (const { cluster } of subjects) await cluster.remove();
}

async function write(
  { seconds }: BenchContext,
  { cluster, leader }: Subject,
  connections: number,
): Promise<Measurement> {
  const kind = cluster.name === 'etcd' ? 'etcd-put' : 'printer';
  return measure(cluster, leader, { url: leader.url, kind, connections, seconds });
}

function table(byConnections: ReadonlyMap<number, ReadonlyMap<string, Measurement>>): Table {
  const rows = [...byConnections].flatMap(([connections, bySystem]) =>
    [...bySystem].map(([system, found]) => [
      `${system}, ${connections}`,
      found.perSecond,
      found.p50,
      found.p99,
      found.p999,
      found.leaderMicros,
      found.followerMicros,
      found.errors,
    ]),
  );
  return {
    title: 'By system and connections',
    columns: [
      '',
      'writes/s',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'leader µs/write',
      'follower µs/write',
      'errors',
    ],
    rows,
  };
}

/** Returns our figures divided by etcd's. */
function againstEtcd(byConnections: ReadonlyMap<number, ReadonlyMap<string, Measurement>>): Table[] {
  const rows = [...byConnections].flatMap(([connections, bySystem]) => {
    const [ours, theirs] = [bySystem.get('raft3d'), bySystem.get('etcd')];
    if (ours === undefined || theirs === undefined) return [];
    const ratios = (['perSecond', 'p50', 'p99', 'p999', 'leaderMicros', 'followerMicros'] as const).map(
      (name) => ratio(ours[name], theirs[name]),
    );
    return [[connections, ...ratios]];
  });
  if (rows.length === 0) return [];
  const columns = ['connections', 'writes/s', 'p50', 'p99', 'p99.9', 'leader µs/write', 'follower µs/write'];
  return [{ title: 'raft3d divided by etcd', columns, rows }];
}

async function flushTable(context: BenchContext, subjects: readonly Subject[]): Promise<Table[]> {
  const seconds = Math.min(context.seconds, FLUSH_SECONDS);
  const rows: (string | number)[][] = [];
  for (const { cluster, leader } of subjects) {
    context.tell(`flushes of ${cluster.name}`);
    const kind = cluster.name === 'etcd' ? 'etcd-put' : 'printer';
    const row: (string | number)[] = [cluster.name];
    for (const connections of FLUSH_CONNECTIONS) {
      const perWrite = await flushesPerWrite(leader.pid, async () => {
        const load = { url: leader.url, kind, connections, seconds } as const;
        return (await measure(cluster, leader, load)).requests;
      });
      if (perWrite === undefined) return [];
      row.push(perWrite);
    }
    rows.push(row);
  }
  const columns = [
    '',
    ...FLUSH_CONNECTIONS.map((count) => `over ${count} connection${count === 1 ? '' : 's'}`),
  ];
  return [{ title: 'Calls that flush, on the leader, per write, counted by strace', columns, rows }];
}

function chart(
  title: string,
  yLabel: string,
  byConnections: ReadonlyMap<number, ReadonlyMap<string, Measurement>>,
  pick: (found: Measurement) => number,
): Chart {
  const names = new Set([...byConnections.values()].flatMap((bySystem) => [...bySystem.keys()]));
  const curves: Curve[] = [...names].map((name) => ({
    name,
    points: [...byConnections].flatMap(([connections, bySystem]) => {
      const found = bySystem.get(name);
      return found === undefined ? [] : [[connections, pick(found)] as const];
    }),
  }));
  return { title, xLabel: 'connections', yLabel, isLogarithmic: true, curves };
}

/** The goals, against etcd's JSON gateway on the same machine. */
const WANTED: readonly { connections: number; rate: number; latency: 'p50' | 'p99' }[] = [
  { connections: 1, rate: 1, latency: 'p50' },
  { connections: 64, rate: 1.7, latency: 'p99' },
  { connections: 256, rate: 1.7, latency: 'p99' },
];

function goals(byConnections: ReadonlyMap<number, ReadonlyMap<string, Measurement>>): Goal[] {
  return WANTED.flatMap(({ connections, rate, latency }): Goal[] => {
    const ours = byConnections.get(connections)?.get('raft3d');
    const theirs = byConnections.get(connections)?.get('etcd');
    if (ours === undefined || theirs === undefined) return [];
    const at = `${connections === 1 ? '1 connection' : `${connections} connections`}`;
    return [
      atLeast(`writes/s over ${at}, against etcd`, ratio(ours.perSecond, theirs.perSecond), rate, ' ×'),
      atMost(`${latency} over ${at}, against etcd`, ratio(ours[latency], theirs[latency]), 1, ' ×'),
    ];
  });
}
