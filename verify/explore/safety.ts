// The safety properties of every cluster state (figure 3), and the history they need.

import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import { majority } from '../../src/engines/raft/core/quorum.ts';
import type { LocalState, Transition } from './local-states.ts';

/** Past leaders and commits. The history is part of every cluster state. */
export interface History {
  /** The leader of each term. */
  readonly leaders: readonly (ServerId | undefined)[];
  /** From index 1: each committed entry, and the term in which it was committed. */
  readonly committed: readonly { readonly entry: string; readonly inTerm: number }[];
}

export const NO_HISTORY: History = { leaders: [], committed: [] };

/** One step of one server, and the cluster after it. */
interface Step {
  readonly before: LocalState;
  readonly transition: Transition;
  readonly cluster: readonly LocalState[];
}

/** Returns the history after `step`, or a description of the property that the step violates. */
export function judge(history: History, step: Step): History | string {
  const { next, violation } = step.transition;
  if (violation !== undefined) return violation;
  const { before, cluster } = step;
  if (before === next) return history;
  const led = withLeader(history, next);
  if (typeof led === 'string') return led;
  const after = withCommits(led, step);
  if (typeof after === 'string') return after;
  return (
    stateMachineSafety(after, step.transition) ??
    nothingCommittedLeavesTheDisk(after, before, next) ??
    logMatching(next, cluster) ??
    matchesAreDurable(cluster) ??
    after
  );
}

/** Election Safety (§5.2) and Leader Completeness (§5.4.3). */
function withLeader(history: History, next: LocalState): History | string {
  if (!next.isLeader) return history;
  const { leaders, committed } = history;
  const before = leaders[next.term];
  if (before === next.server) return history;
  if (before !== undefined) {
    return `Election Safety: ${before} and ${next.server} both lead in term ${next.term}`;
  }
  // A server that learns late of its election need not have what later terms committed.
  const missing = committed.findIndex(
    ({ entry, inTerm }, position) => inTerm < next.term && next.log[position] !== entry,
  );
  if (missing !== -1) return lacks(next, missing, committed[missing]?.entry);
  const known = Array.from({ length: Math.max(leaders.length, next.term + 1) }, (_, term) => leaders[term]);
  known[next.term] = next.server;
  return { leaders: known, committed };
}

/** Known commits agree. A new one is on a majority of disks and in the logs of all later leaders. */
function withCommits(history: History, { transition: { next }, cluster }: Step): History | string {
  const committed = [...history.committed];
  for (let position = 0; position < next.commitIndex; position++) {
    const entry = next.log[position] ?? 'nothing';
    const known = committed[position]?.entry;
    if (known !== undefined && known !== entry) {
      return `State Machine Safety: ${next.server} commits '${entry}' at ${position + 1}, where '${known}' is committed`;
    }
    if (known !== undefined) continue;
    committed.push({ entry, inTerm: next.term });
    const holding = cluster.filter(
      ({ server, diskLog }) => next.voters.includes(server) && diskLog[position] === entry,
    );
    if (holding.length < majority(next.voters.length)) {
      return `durable commits: '${entry}' at ${position + 1} is committed but on no majority of disks`;
    }
    const later = cluster.find(
      ({ isLeader, term, log }) => isLeader && term > next.term && log[position] !== entry,
    );
    if (later !== undefined) return lacks(later, position, entry);
  }
  return committed.length === history.committed.length ? history : { ...history, committed };
}

function lacks({ server, term }: LocalState, position: number, entry = 'nothing'): string {
  return `Leader Completeness: ${server}, leader of term ${term}, lacks the committed '${entry}' at ${position + 1}`;
}

/** State Machine Safety (§5.4.3): servers apply the same entry at an index. */
function stateMachineSafety({ committed }: History, { next, applied }: Transition): string | undefined {
  const wrong = applied.find(([index, entry]) => committed[index - 1]?.entry !== entry);
  return wrong && `State Machine Safety: ${next.server} applies '${wrong[1]}' at ${wrong[0]}`;
}

function nothingCommittedLeavesTheDisk(
  { committed }: History,
  before: LocalState,
  after: LocalState,
): string | undefined {
  if (before.diskLog === after.diskLog) return undefined;
  const lost = committed.findIndex(
    ({ entry }, position) => before.diskLog[position] === entry && after.diskLog[position] !== entry,
  );
  if (lost === -1) return undefined;
  return `commit never lost: '${committed[lost]?.entry}' at ${lost + 1} leaves the disk of ${after.server}`;
}

/** Log Matching (§5.3): logs with the same entry at one index are equal before it. */
function logMatching(next: LocalState, cluster: readonly LocalState[]): string | undefined {
  const other = cluster.find((one) => one !== next && !logsMatch(one.log, next.log));
  return other && `Log Matching: ${other.server} [${other.log}] and ${next.server} [${next.log}]`;
}

/**
 * Invariant: two logs that differ at an index have no equal term at a later one; index and term identify an
 * entry.
 */
function logsMatch(one: readonly string[], other: readonly string[]): boolean {
  let isSame = true;
  for (let position = 0; position < Math.min(one.length, other.length); position++) {
    const [mine, yours] = [one[position] ?? '', other[position] ?? ''];
    if (mine === yours) {
      if (!isSame) return false;
      continue;
    }
    if (mine.slice(0, mine.indexOf(':')) === yours.slice(0, yours.indexOf(':'))) return false;
    isSame = false;
  }
  return true;
}

/**
 * An entry that a leader counts as replicated is on the follower's disk, unless the follower is in a later
 * term.
 */
function matchesAreDurable(cluster: readonly LocalState[]): string | undefined {
  for (const leader of cluster) {
    if (!leader.isLeader) continue;
    for (const [server, match] of leader.matches) {
      const follower = cluster.find((one) => one.server === server);
      if (follower === undefined || follower.term > leader.term) continue;
      for (let position = 0; position < match; position++) {
        if (follower.diskLog[position] === leader.log[position]) continue;
        return `durable promises: ${leader.server} counts on ${position + 1} at ${server}, whose disk lacks it`;
      }
    }
  }
  return undefined;
}
