// Faults that remove a member, which then joins again as a new one.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiAnswer } from '../kit/api-request.ts';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { FaultContext } from './fault-context.ts';
import { waitForVote } from './rejoining.ts';

const MEMBER_FAULTS = {
  'follower removed, joins again': 3,
  'leader removed, joins again': 2,
};

/** Long, since other faults may be in effect. */
const REMOVAL_TIMEOUT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 12_000;
const RETRY_PAUSE_MS = 200;
const WIPE_CHANCE = 0.5;
const KILL_CHANCE = 0.5;
/** The chance that the node is killed again while it joins. */
const INTERRUPTION_CHANCE = 0.3;
const MAX_INTERRUPTION_MS = 1_500;

/** Resolves when the node has its vote again. Does nothing when the cluster is not whole. */
export async function injectMemberFault(context: FaultContext, draws: Draws): Promise<void> {
  const { cluster, observer } = context;
  if (!(await context.isWhole())) return;
  const kind = draws.weighted(MEMBER_FAULTS);
  const leader = await context.leader(draws);
  const node = kind === 'leader removed, joins again' ? leader : context.follower(leader, draws);
  if (!cluster.works(node)) return;
  const old = observer.voterServer(node, node);
  cluster.unsettle(node);
  context.count(kind);
  if (!(await isRemoved(context, node, draws))) return;
  context.tally.removals += 1;
  await context.last(draws);
  await (draws.chance(KILL_CHANCE) ? cluster.kill(node) : cluster.stop(node));
  if (draws.chance(WIPE_CHANCE)) node.wipe();
  cluster.start(node);
  if (draws.chance(INTERRUPTION_CHANCE)) {
    await sleep(draws.between(0, MAX_INTERRUPTION_MS));
    await cluster.kill(node);
    cluster.start(node);
  }
  await waitForVote(context, node, old);
}

/** Asks random nodes to remove `node` until one confirms it. */
async function isRemoved(context: FaultContext, node: NodeProcess, draws: Draws): Promise<boolean> {
  const deadline = performance.now() + REMOVAL_TIMEOUT_MS;
  let mayBeDone = false;
  let last = 'no node was asked';
  while (performance.now() < deadline) {
    const asked = draws.pick(context.cluster.nodes);
    const answer = await askToRemove(asked, node);
    last = `${asked.id}: ${answer === undefined ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body)}`}`;
    const verdict = judge(answer, mayBeDone);
    if (verdict === 'removed') return true;
    if (verdict === 'wrong') {
      context.violations.add('answers', `DELETE of ${node.id} was answered by ${last}`);
      return false;
    }
    mayBeDone ||= verdict === 'unknown';
    await sleep(RETRY_PAUSE_MS);
  }
  const state = context.observer.describe();
  context.violations.add(
    'membership',
    `${node.id} was not removed in ${REMOVAL_TIMEOUT_MS} ms; ${last}; ${state}`,
  );
  return false;
}

async function askToRemove(asked: NodeProcess, node: NodeProcess): Promise<ApiAnswer | undefined> {
  try {
    const request = { method: 'DELETE', timeoutMs: REQUEST_TIMEOUT_MS };
    return await asked.request(`/cluster/servers?id=${node.id}`, request);
  } catch {
    // The request may have arrived all the same.
    return undefined;
  }
}

/** Interprets an answer. `mayBeDone`: an earlier request may have removed the node. */
export function judge(
  answer: Pick<ApiAnswer, 'status' | 'body'> | undefined,
  mayBeDone: boolean,
): 'removed' | 'not yet' | 'unknown' | 'wrong' {
  if (answer === undefined || answer.status === 504) return 'unknown';
  if (answer.status === 200) return 'removed';
  if (answer.status === 404) return mayBeDone ? 'removed' : 'wrong';
  if (answer.status === 503 || answer.body?.code === 'would_lose_quorum') return 'not yet';
  return 'wrong';
}
