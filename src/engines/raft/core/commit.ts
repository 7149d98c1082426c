// Commit: when an entry is committed, and what follows from it.

import { assert, present } from '../../../shared/assert.ts';
import type { Progress } from './progress.ts';
import { quorumValue } from './quorum.ts';
import { joinNextRound } from './read-requests.ts';
import { becomeFollower } from './roles.ts';
import { type CoreState, envelope, sendEntries, sendNow } from './state.ts';

/** Commits entries that a majority of voters holds durably, if the last is of the leader's term (§5.4.2). */
export function maybeCommit(state: CoreState): void {
  const index = quorumValue(state.voters, (voter) => state.progress.get(voter)?.match ?? 0);
  // An entry of an older term is committed only by a later entry of this term, never by counting (figure 8).
  if (index <= state.commitIndex || state.log.term(index) !== state.term) return;
  const first = !state.committedInOwnTerm;
  commitTo(state, index);
  if (first) admitEarlyReads(state);
  maybeLeaveAfterRemoval(state);
}

export function commitTo(state: CoreState, index: number): void {
  if (index <= state.commitIndex) return;
  assert(index <= state.log.lastIndex, `commit index ${index} is beyond the log`);
  state.commitIndex = index;
  // Configurations before the last committed one are never restored by a rollback.
  while ((state.configurations[1]?.index ?? Number.POSITIVE_INFINITY) <= index) state.configurations.shift();
}

function admitEarlyReads(state: CoreState): void {
  for (const { from, requestId } of state.reads.early.splice(0)) {
    joinNextRound(state.reads, { from, requestId, readIndex: state.commitIndex });
  }
}

/** Hands over and steps down once the removal of this leader itself is committed (dissertation §4.2.2). */
function maybeLeaveAfterRemoval(state: CoreState): void {
  if (state.role !== 'leader' || state.isVoter || state.latestConfiguration.index > state.commitIndex) return;
  for (const [server, progress] of state.progress) {
    if (server === state.server || progress.state === 'snapshot') continue;
    sendEntries(state, server, { previousLogIndex: progress.match });
  }
  const successor = mostAdvancedVoter(state);
  if (successor !== undefined) sendNow(state, { kind: 'timeout-now', ...envelope(state, successor) });
  becomeFollower(state, state.term, undefined);
}

/** The other voter with the highest match index among those heard from within an election timeout. */
export function mostAdvancedVoter({ voters, server, progress, options }: CoreState): string | undefined {
  const of = (voter: string): Progress => present(progress.get(voter), 'every member has a progress');
  const others = voters.filter(
    (voter) => voter !== server && of(voter).ticksSinceContact < options.electionTicks,
  );
  return others.sort((a, b) => of(b).match - of(a).match)[0];
}
