// Faults that fill disks: writes are refused, and reads go on.

import { unreachable } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import type { FaultContext } from './fault-context.ts';

const FULL_DISKS = {
  "leader's disk full": 2,
  "follower's disk full": 2,
  'all disks full': 2,
};

const LIST = '/api/v1/printers?limit=5';
/** Long enough for a leader with a full disk to step down. */
const READ_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Resolves when there is room again. */
export async function injectFullDisk(context: FaultContext, draws: Draws): Promise<void> {
  const { cluster } = context;
  if (!(await context.isWhole())) return;
  const kind = draws.weighted(FULL_DISKS);
  const leader = await context.leader(draws);
  context.count(kind);
  const full = drawVictims(context, { kind, leader, draws });
  for (const node of full) cluster.fillDisk(node);
  await Promise.all([
    expectReads(context, kind, cluster.links.areGood && full.length < cluster.majority),
    context.last(draws),
  ]);
  for (const node of full) cluster.makeRoom(node);
}

function drawVictims(
  context: FaultContext,
  { kind, leader, draws }: { kind: keyof typeof FULL_DISKS; leader: NodeProcess; draws: Draws },
): readonly NodeProcess[] {
  switch (kind) {
    case "leader's disk full":
      return [leader];
    case "follower's disk full":
      return [context.follower(leader, draws)];
    case 'all disks full':
      return context.cluster.nodes;
    default:
      return unreachable(kind);
  }
}

/** Every node must answer stale reads, and with a healthy majority some node linearizable ones. */
async function expectReads(context: FaultContext, kind: string, isQuorumHealthy: boolean): Promise<void> {
  const { nodes } = context.cluster;
  const reads = nodes.map((node) =>
    waitFor(`a stale read of ${node.id}`, () => isAnswered(node, `${LIST}&consistency=stale`), {
      timeoutMs: READ_TIMEOUT_MS,
    }),
  );
  if (isQuorumHealthy) reads.push(Promise.any(nodes.map((node) => readsOn(node))));
  try {
    await Promise.all(reads);
  } catch (error) {
    // Links cut meanwhile excuse a failed linearizable read, never a failed stale one.
    const isExcused = error instanceof AggregateError && !context.cluster.links.areGood;
    if (!isExcused) context.violations.add('reads go on', `${kind}: ${describeFailure(error)}`);
  }
}

function readsOn(node: NodeProcess): Promise<true> {
  return waitFor(`a linearizable read of ${node.id}`, () => isAnswered(node, LIST), {
    timeoutMs: READ_TIMEOUT_MS,
  });
}

async function isAnswered(node: NodeProcess, path: string): Promise<true> {
  const { status, body } = await node.request(path, { timeoutMs: REQUEST_TIMEOUT_MS });
  if (status !== 200) throw new Error(`${node.id} answered ${status} ${JSON.stringify(body)}`);
  return true;
}

function describeFailure(error: unknown): string {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors
    .map((one) => (one instanceof Error ? `${one.message}: ${one.cause}` : String(one)))
    .join('; ');
}
