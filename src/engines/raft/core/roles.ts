// The changes of role (figure 4).

import { assert } from '../../../shared/assert.ts';
import type { ServerId } from './configuration.ts';
import { Progress } from './progress.ts';
import { createReadRequests } from './read-requests.ts';
import { appendToLog, type CoreState, envelope, resetElectionTimer, sendNow, setHardState } from './state.ts';

/** Becomes a follower in `term`, the current one or a later one. `leader` may be unknown. */
export function becomeFollower(state: CoreState, term: number, leader: ServerId | undefined): void {
  assert(term >= state.term, 'terms never go back');
  if (term > state.term) setHardState(state, { term, votedFor: undefined });
  if (state.role === 'leader') endLeadership(state);
  state.role = 'follower';
  state.leader = leader;
  state.votes.clear();
  resetElectionTimer(state);
}

/** Asks the voters whether it could win, before it disturbs them with a new term (dissertation §9.6). */
export function becomePreCandidate(state: CoreState): void {
  stand(state, 'pre-candidate');
  state.votes.set(state.server, true);
}

/** Changes term and own vote in one durable write. The own vote counts once it is on disk. */
export function becomeCandidate(state: CoreState): void {
  stand(state, 'candidate');
  setHardState(state, { term: state.term + 1, votedFor: state.server });
  state.ownVoteSequence = state.changeSequence;
}

function stand(state: CoreState, role: 'pre-candidate' | 'candidate'): void {
  assert(state.role !== 'leader', 'a leader does not stand for election');
  state.role = role;
  state.leader = undefined;
  state.votes.clear();
  resetElectionTimer(state);
}

export function becomeLeader(state: CoreState): void {
  assert(state.role === 'candidate', 'only a candidate becomes leader');
  assert(state.votedFor === state.server, 'a leader voted for itself');
  state.role = 'leader';
  state.leader = state.server;
  state.votes.clear();
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.leaderStartIndex = state.log.lastIndex + 1;
  syncProgress(state);
  // Entries of older terms are never committed by counting replicas. This entry commits them (§5.4.2).
  appendToLog(state, [{ kind: 'leader-start', index: state.leaderStartIndex, term: state.term }]);
  state.heartbeatDue = true;
}

/** Adds a progress for every new member, and drops those of former members. */
export function syncProgress(state: CoreState): void {
  const members = new Set(state.configuration.members.map((member) => member.server));
  members.add(state.server);
  for (const server of state.progress.keys()) {
    if (!members.has(server)) state.progress.delete(server);
  }
  for (const server of members) {
    if (state.progress.has(server)) continue;
    const progress = new Progress(state.log.lastIndex + 1);
    if (server === state.server) progress.match = state.log.durableIndex;
    // A grace of one check-quorum period, because the server has not had time to answer.
    progress.recentlyActive = true;
    state.progress.set(server, progress);
  }
}

/** Leaves nothing of this leadership to the next one. */
function endLeadership(state: CoreState): void {
  for (const read of [...state.reads.waiting, ...state.reads.early]) {
    refuseRead(state, read.from, read.requestId);
  }
  state.reads = createReadRequests();
  state.progress.clear();
  state.transferTarget = undefined;
  state.uncommittedBytes = 0;
  state.heartbeatDue = false;
}

/** Tells `from`, which asked for the read, that this server cannot confirm it. */
export function refuseRead(state: CoreState, from: ServerId, requestId: number): void {
  if (from === state.server) state.refusedReads.push(requestId);
  else sendNow(state, { kind: 'read-index-response', ...envelope(state, from), requestId, readIndex: 0 });
}
