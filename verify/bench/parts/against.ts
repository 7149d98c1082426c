// The parts `writes` and `reads` against another checkout: clusters of each, and the same loads in turns.

import { type Checkout, THIS_CHECKOUT } from '../checkout.ts';
import type { BenchNode } from '../cluster.ts';
import { comparisonTable, slowerLine, type Turn } from '../comparison.ts';
import type { BenchContext } from '../context.ts';
import type { Load } from '../load-types.ts';
import { Raft3dCluster } from '../raft3d-cluster.ts';
import type { PartReport } from '../result.ts';
import { READ_PRINTER, seedPrinters } from '../seed-printers.ts';
import { measureInSlices, type SlicedLoad } from '../slices.ts';

const CONNECTIONS = [1, 64, 256];
const MANY_CONNECTIONS = 64;
const ONE_PRINTER = `/api/v1/printers/${READ_PRINTER}`;

/** A load, apart from the node that it is sent to. */
interface LoadPlan extends Omit<Load, 'url' | 'seconds'> {
  readonly name: string;
  readonly to: 'leader' | 'follower';
}

interface Subject {
  readonly cluster: Raft3dCluster;
  readonly leader: BenchNode;
  readonly follower: BenchNode;
}

export async function writesAgainst(
  context: BenchContext,
  report: PartReport,
  other: Checkout,
): Promise<void> {
  report.title('Writes, durable on a majority, sent to the leader, against another checkout');
  const plans = CONNECTIONS.map(
    (connections): LoadPlan => ({
      name: `writes over ${connections}`,
      to: 'leader',
      kind: 'printer',
      connections,
    }),
  );
  await compare(context, report, { other, plans });
}

export async function readsAgainst(
  context: BenchContext,
  report: PartReport,
  other: Checkout,
): Promise<void> {
  report.title('Reads against another checkout');
  const plans: LoadPlan[] = [
    ...CONNECTIONS.map((connections) =>
      get('linearizable', { to: 'leader', path: ONE_PRINTER, connections }),
    ),
    get('linearizable, from a follower', { to: 'follower', path: ONE_PRINTER }),
    get('possibly stale', { to: 'follower', path: `${ONE_PRINTER}?consistency=stale` }),
    get('linearizable lists', { to: 'leader', path: '/api/v1/printers' }),
  ];
  await compare(context, report, { other, plans });
}

function get(
  name: string,
  { to, path, connections = MANY_CONNECTIONS }: Pick<LoadPlan, 'to'> & { path: string; connections?: number },
): LoadPlan {
  return { name: `${name} over ${connections}`, to, kind: 'get', path, connections };
}

/** A cluster keeps much of its rate from start to end, so each repetition has clusters of its own. */
async function compare(
  context: BenchContext,
  report: PartReport,
  { other, plans }: { other: Checkout; plans: readonly LoadPlan[] },
): Promise<void> {
  const loads = plans.map((plan) => ({ name: plan.name, plan, turns: [] as Turn[] }));
  for (let repetition = 1; repetition <= context.repetitions; repetition++) {
    const ours = await startSubject(context, THIS_CHECKOUT);
    const theirs = await startSubject(context, other);
    for (const { plan, turns } of loads) {
      context.tell(`${plan.name}, clusters ${repetition} of ${context.repetitions}`);
      const pair = [slicedLoad(context, ours, plan), slicedLoad(context, theirs, plan)] as const;
      // The first load of a kind is slower, until V8 has compiled the code for it.
      await measureInSlices(pair);
      turns.push(await takeTurn(repetition, pair));
    }
    for (const { cluster } of [ours, theirs]) await cluster.remove();
  }
  report.text(slowerLine(loads));
  report.table(comparisonTable(loads));
}

/** Each checkout is first in every other turn. */
async function takeTurn(turn: number, [ours, other]: readonly [SlicedLoad, SlicedLoad]): Promise<Turn> {
  const [first, second] = turn % 2 === 0 ? [ours, other] : [other, ours];
  const measured = await measureInSlices([first, second]);
  return turn % 2 === 0
    ? { ours: measured[0], other: measured[1] }
    : { ours: measured[1], other: measured[0] };
}

async function startSubject(context: BenchContext, checkout: Checkout): Promise<Subject> {
  const cluster = await Raft3dCluster.start(3, { checkout });
  context.onEnd(() => cluster.remove());
  const leader = await cluster.leader();
  const follower = cluster.nodes.find((node) => node !== leader);
  if (follower === undefined) throw new Error('a cluster of three has a follower');
  await seedPrinters(cluster, leader);
  return { cluster, leader, follower };
}

function slicedLoad(
  { seconds }: BenchContext,
  { cluster, leader, follower }: Subject,
  { to, name: _name, ...load }: LoadPlan,
): SlicedLoad {
  const { url } = to === 'leader' ? leader : follower;
  return { cluster, leader, load: { ...load, url, seconds } };
}
