// What must hold in every state of the cluster (figure 3), and the history that it takes to say so.

import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import { majority } from '../../src/engines/raft/core/quorum.ts';
import type { LocalState, Transition } from './local-states.ts';

/** What has happened so far, as far as the properties speak of it. Part of every state of the cluster. */
export interface History {
  /** Who has led, by term. */
  readonly leaders: readonly (ServerId | undefined)[];
  /** From index 1 on: what was committed, and in which term. */
  readonly committed: readonly { readonly entry: string; readonly inTerm: number }[];
}

export const NO_HISTORY: History = { leaders: [], committed: [] };

/** One step of one server, and the cluster after it. */
export interface Step {
  readonly before: LocalState;
  readonly transition: Transition;
  readonly cluster: readonly LocalState[];
}

/** The history after `step`, or the property that the step breaks. */
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

/** Election safety (§5.2) and leader completeness (§5.4.3). */
function withLeader(history: History, next: LocalState): History | string {
  if (!next.isLeader) return history;
  const { leaders, committed } = history;
  const before = leaders[next.term];
  if (before === next.server) return history;
  if (before !== undefined) {
    return `election safety: ${before} and ${next.server} both lead in term ${next.term}`;
  }
  // A leader that learns late of its election owes nothing to later terms.
  const missing = committed.findIndex(
    ({ entry, inTerm }, position) => inTerm < next.term && next.log[position] !== entry,
  );
  if (missing !== -1) return lacks(next, missing, committed[missing]?.entry);
  const known = Array.from({ length: Math.max(leaders.length, next.term + 1) }, (_, term) => leaders[term]);
  known[next.term] = next.server;
  return { leaders: known, committed };
}

/** Whoever knows of a commit knows the same; a new one is on the disks of a majority, and with all later leaders. */
function withCommits(history: History, { transition: { next }, cluster }: Step): History | string {
  const committed = [...history.committed];
  for (let position = 0; position < next.commitIndex; position++) {
    const entry = next.log[position] ?? 'nothing';
    const known = committed[position]?.entry;
    if (known !== undefined && known !== entry) {
      return `state machine safety: ${next.server} commits '${entry}' at ${position + 1}, where '${known}' is committed`;
    }
    if (known !== undefined) continue;
    committed.push({ entry, inTerm: next.term });
    const holding = cluster.filter(
      ({ server, diskLog }) => next.voters.includes(server) && diskLog[position] === entry,
    );
    if (holding.length < majority(next.voters.length)) {
      return `durable commits: '${entry}' at ${position + 1} is committed and on no majority of disks`;
    }
    const later = cluster.find(
      ({ isLeader, term, log }) => isLeader && term > next.term && log[position] !== entry,
    );
    if (later !== undefined) return lacks(later, position, entry);
  }
  return committed.length === history.committed.length ? history : { ...history, committed };
}

function lacks({ server, term }: LocalState, position: number, entry = 'nothing'): string {
  return `leader completeness: ${server}, leader of term ${term}, lacks the committed '${entry}' at ${position + 1}`;
}

/** At one index, all apply the same (§5.4.3). */
function stateMachineSafety({ committed }: History, { next, applied }: Transition): string | undefined {
  const wrong = applied.find(([index, entry]) => committed[index - 1]?.entry !== entry);
  return wrong && `state machine safety: ${next.server} applies '${wrong[1]}' at ${wrong[0]}`;
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

/** Logs that hold the same entry at one index hold the same before it (§5.3). */
function logMatching(next: LocalState, cluster: readonly LocalState[]): string | undefined {
  const other = cluster.find((one) => one !== next && !logsMatch(one.log, next.log));
  return other && `log matching: ${other.server} [${other.log}] and ${next.server} [${next.log}]`;
}

/** Invariant: once two logs differ at an index they agree in no term after it, and one term at one index is one entry. */
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

/** What a leader counts as replicated is on that follower's disk, unless the follower has moved on to a later term. */
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
