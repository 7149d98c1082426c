// Faults of links: cuts, losses and delays.

import { unreachable } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { FaultContext } from './fault-context.ts';
import type { LinkQuality } from './network.ts';

const CUTS = {
  'leader cut off': 3,
  'follower cut off': 2,
  'leader cannot send': 2,
  'leader cannot receive': 2,
  'follower cannot send': 1,
  'two nodes cut from each other': 2,
  'majority and minority parted': 2,
};
const BAD_LINKS = {
  'loss on all links': 2,
  'delay on all links': 2,
  'loss and delay of what the leader sends': 2,
  'loss and delay of what the leader receives': 2,
  'loss and delay around a follower': 2,
};
const ALL = { ...CUTS, ...BAD_LINKS };
type NetworkFault = keyof typeof ALL;
const CUTS_ALONE: Record<NetworkFault, number> = {
  ...CUTS,
  'loss on all links': 0,
  'delay on all links': 0,
  'loss and delay of what the leader sends': 0,
  'loss and delay of what the leader receives': 0,
  'loss and delay around a follower': 0,
};

const MAX_LOSS_SHARE = 0.4;
/** With a delay both ways, near the election timeout of 500 ms. */
const MAX_DELAY_MS = 300;
const LOSSLESS = { lossShare: 0 };
const PUNCTUAL = { delayMs: 0, jitterMs: 0 };

/** Resolves when all links are good again. */
export async function injectNetworkFault(context: FaultContext, draws: Draws): Promise<void> {
  const { cluster } = context;
  const kind = draws.weighted<NetworkFault>(cluster.links.canWorsen ? ALL : CUTS_ALONE);
  const leader = await context.leader(draws);
  context.count(kind);
  await spoil(context, { kind, leader, draws });
  await context.last(draws);
  await cluster.links.mendAll();
}

async function spoil(
  context: FaultContext,
  { kind, leader, draws }: { kind: NetworkFault; leader: NodeProcess; draws: Draws },
): Promise<void> {
  const { nodes, majority } = context.cluster;
  const follower = draws.pick(nodes.filter((node) => node !== leader));
  const without = (...some: NodeProcess[]): NodeProcess[] => nodes.filter((node) => !some.includes(node));
  const cut = (from: NodeProcess, to: NodeProcess) => context.cluster.links.cut(from, to);
  const quality = drawQuality(draws);
  const worsen = (changed: Partial<LinkQuality>) => (from: NodeProcess, to: NodeProcess) =>
    context.cluster.links.worsen(from, to, { ...quality, ...changed });
  switch (kind) {
    case 'leader cut off':
      return bothWays([leader], without(leader), cut);
    case 'follower cut off':
      return bothWays([follower], without(follower), cut);
    case 'leader cannot send':
      return oneWay([leader], without(leader), cut);
    case 'leader cannot receive':
      return oneWay(without(leader), [leader], cut);
    case 'follower cannot send':
      return oneWay([follower], without(follower), cut);
    case 'two nodes cut from each other':
      return bothWays([leader], [follower], cut);
    case 'majority and minority parted': {
      const major = draws.sample(nodes, majority);
      return bothWays(major, without(...major), cut);
    }
    case 'loss on all links':
      return oneWay(nodes, nodes, worsen(PUNCTUAL));
    case 'delay on all links':
      return oneWay(nodes, nodes, worsen(LOSSLESS));
    case 'loss and delay of what the leader sends':
      return oneWay([leader], without(leader), worsen({}));
    case 'loss and delay of what the leader receives':
      return oneWay(without(leader), [leader], worsen({}));
    case 'loss and delay around a follower':
      return bothWays([follower], without(follower), worsen({}));
    default:
      return unreachable(kind);
  }
}

function drawQuality(draws: Draws): LinkQuality {
  return {
    lossShare: draws.between(0, MAX_LOSS_SHARE),
    delayMs: draws.between(0, MAX_DELAY_MS),
    jitterMs: draws.between(0, MAX_DELAY_MS),
  };
}

type LinkChange = (from: NodeProcess, to: NodeProcess) => Promise<void>;

async function bothWays(
  some: readonly NodeProcess[],
  others: readonly NodeProcess[],
  spoil: LinkChange,
): Promise<void> {
  await oneWay(some, others, spoil);
  await oneWay(others, some, spoil);
}

async function oneWay(
  senders: readonly NodeProcess[],
  receivers: readonly NodeProcess[],
  spoil: LinkChange,
): Promise<void> {
  for (const from of senders) for (const to of receivers) if (from !== to) await spoil(from, to);
}
