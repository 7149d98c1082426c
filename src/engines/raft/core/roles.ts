// How a server changes role (figure 4).

import { assert } from '../../../shared/assert.ts';
import type { ServerId } from './configuration.ts';
import { Progress } from './progress.ts';
import { createReadRequests } from './read-requests.ts';
import { appendToLog, type CoreState, changed, resetElectionTimer, sendNow, setHardState } from './state.ts';

/** Follows `leader` (or nobody yet) in `term`, which is the current one or a later one. */
export function becomeFollower(state: CoreState, term: number, leader: ServerId | undefined): void {
  assert(term >= state.term, 'terms never go back');
  if (term > state.term) setHardState(state, { term, votedFor: undefined });
  if (state.role === 'leader') endLeadership(state);
  state.role = 'follower';
  state.leader = leader;
  state.votes.clear();
  resetElectionTimer(state);
}

/** Asks whether it could win, before it disturbs anybody with a new term (dissertation §9.6). */
export function becomePreCandidate(state: CoreState): void {
  assert(state.role !== 'leader', 'a leader does not stand for election');
  state.role = 'pre-candidate';
  state.leader = undefined;
  state.votes = new Map([[state.server, true]]);
  resetElectionTimer(state);
}

/** Term and own vote change in one durable write; the own vote counts when it is on disk. */
export function becomeCandidate(state: CoreState): void {
  assert(state.role !== 'leader', 'a leader does not stand for election');
  state.role = 'candidate';
  state.leader = undefined;
  state.votes = new Map();
  setHardState(state, { term: state.term + 1, votedFor: state.server });
  state.ownVoteSequence = state.changeSequence;
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
  state.transferTarget = undefined;
  state.uncommittedBytes = 0;
  state.reads = createReadRequests();
  state.progress = new Map();
  state.leaderStartIndex = state.log.lastIndex + 1;
  syncProgress(state);
  // Nothing of an older term is committed by counting: this entry is what commits it (§5.4.2).
  appendToLog(state, [{ kind: 'leader-start', index: state.leaderStartIndex, term: state.term }]);
  state.heartbeatDue = true;
}

/** Gives every member a progress, and drops those of servers that are no longer members. */
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
    // A grace of one check-quorum period: it has not had the time to answer.
    progress.recentlyActive = true;
    state.progress.set(server, progress);
  }
}

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

/** Tells whoever asked that this server cannot confirm the read. */
export function refuseRead(state: CoreState, from: ServerId, requestId: number): void {
  if (from === state.server) state.refusedReads.push(requestId);
  else {
    sendNow(state, {
      kind: 'read-index-response',
      from: state.server,
      to: from,
      term: state.term,
      requestId,
      readIndex: 0,
    });
  }
}

/** Marks the start of a snapshot restore: everything before it in memory is replaced. */
export function markRestored(state: CoreState): void {
  changed(state);
  state.restoreSequence = state.changeSequence;
}
