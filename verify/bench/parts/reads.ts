// Reads over 64 connections: one resource, fresh and possibly stale, and a list of a thousand.

import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { apiRequest } from '../../kit/api-request.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { PROJECT_ROOT } from '../../kit/project-root.ts';
import { waitFor } from '../../kit/wait-for.ts';
import type { BenchCluster, BenchNode } from '../cluster.ts';
import { type BenchContext, type Contender, inTurns, ratio, startSystems } from '../context.ts';
import { runLoad } from '../load.ts';
import type { Load, LoadResult } from '../load-types.ts';
import { atLeast, type Goal, type PartReport } from '../result.ts';
import { LISTED_PRINTERS, READ_PRINTER, seedPrinters } from '../seed-printers.ts';

const CONNECTIONS = 64;
/** Possibly stale lists of 1,000 printers a second from the Go program, on such a machine. */
const GO_LISTS_PER_SECOND = 1_556;

export async function reads(context: BenchContext, report: PartReport): Promise<void> {
  report.title(`Reads over ${CONNECTIONS} connections`);
  const [ours, etcd] = await startSystems(context);
  if (ours === undefined) throw new Error('our own cluster was not started');
  const leader = await ours.leader();
  await seedPrinters(ours, leader);
  const [follower] = ours.nodes.filter((node) => node !== leader);
  if (follower === undefined) throw new Error('a cluster of three has a follower');
  const bare = await startBareServer(context);
  const one = `/api/v1/printers/${READ_PRINTER}`;
  const list = '/api/v1/printers';
  const contenders: Contender<LoadResult>[] = [
    get('one printer, linearizable, from the leader', context, leader.url, one),
    get('one printer, linearizable, from a follower', context, follower.url, one),
    get('one printer, possibly stale', context, follower.url, `${one}?consistency=stale`),
    get('bare Fastify with a schema, one printer', context, bare, '/printer'),
    get(`list of ${LISTED_PRINTERS} printers, linearizable`, context, leader.url, list),
    get(
      `list of ${LISTED_PRINTERS} printers, possibly stale`,
      context,
      leader.url,
      `${list}?consistency=stale`,
    ),
    ...(await conditional(context, leader, list)),
    ...(etcd === undefined ? [] : [await etcdRange(context, etcd)]),
  ];
  for (const { measure } of contenders) await measure();
  context.tell(`reads over ${CONNECTIONS} connections`);
  const found = await inTurns(context, contenders);
  for (const cluster of [ours, etcd]) await cluster?.remove();
  report.table({
    title: 'By what is read',
    columns: ['', 'reads/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'errors'],
    rows: [...found].map(([name, { perSecond, p50, p99, p999, errors }]) => [
      name,
      perSecond,
      p50,
      p99,
      p999,
      errors,
    ]),
  });
  report.goal(...goals((name) => [...found].find(([other]) => other.startsWith(name))?.[1].perSecond));
}

function get(
  name: string,
  { seconds }: BenchContext,
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Contender<LoadResult> {
  const load: Load = { url, kind: 'get', connections: CONNECTIONS, seconds, path, headers };
  return { name, measure: () => runLoad(load) };
}

/** A list that the caller already has, by its entity tag. Empty while the API sends no entity tags. */
async function conditional(
  context: BenchContext,
  leader: BenchNode,
  list: string,
): Promise<Contender<LoadResult>[]> {
  const tag = (await apiRequest(`${leader.url}${list}`)).headers.get('etag');
  if (tag === null) return [];
  return [get('conditional list, not changed', context, leader.url, list, { 'if-none-match': tag })];
}

async function etcdRange({ seconds }: BenchContext, etcd: BenchCluster): Promise<Contender<LoadResult>> {
  const leader = await etcd.leader();
  const key = READ_PRINTER;
  await etcd.write(leader, key, { timeoutMs: 10_000 });
  const load: Load = {
    url: leader.url,
    kind: 'etcd-range',
    connections: CONNECTIONS,
    seconds,
    path: Buffer.from(key).toString('base64'),
  };
  return { name: 'etcd, one key, linearizable', measure: () => runLoad(load) };
}

/** Runs bare Fastify in its own process. */
async function startBareServer(context: BenchContext): Promise<string> {
  const [port = 0] = await freePorts(1);
  const server: ChildProcess = spawn(
    process.execPath,
    [path.join(PROJECT_ROOT, 'verify', 'bench', 'bare-server.mjs'), `${port}`],
    {
      stdio: 'inherit',
    },
  );
  const end = (): void => {
    server.kill('SIGKILL');
  };
  process.once('exit', end);
  context.onEnd(async () => end());
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    'the bare server answers',
    async () => (await apiRequest(`${url}/printer`, { hasContract: false })).status === 200,
  );
  return url;
}

function goals(rateOf: (name: string) => number | undefined): Goal[] {
  const linearizable = rateOf('one printer, linearizable, from the leader');
  const list = rateOf(`list of ${LISTED_PRINTERS} printers, possibly stale`);
  return [
    ...(rateOf('etcd') === undefined
      ? []
      : [
          atLeast(
            'linearizable reads/s of one printer, against etcd',
            ratio(linearizable, rateOf('etcd')),
            2.5,
            ' ×',
          ),
        ]),
    atLeast(
      'possibly stale reads/s, against bare Fastify',
      ratio(rateOf('one printer, possibly stale'), rateOf('bare Fastify')),
      0.7,
      ' ×',
    ),
    atLeast(
      `lists of ${LISTED_PRINTERS} printers per second, against ${GO_LISTS_PER_SECOND} of the Go program on its machine`,
      ratio(list, GO_LISTS_PER_SECOND),
      5,
      ' ×',
    ),
  ];
}
