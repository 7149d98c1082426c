// Elections: pre-vote, vote, and who gets one (§5.2, §5.4.1; dissertation §4.2.3, §9.6).

import { unreachable } from '../../../shared/assert.ts';
import { isVoter, type ServerId } from './configuration.ts';
import type { PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse } from './message.ts';
import { tallyVotes } from './quorum.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import {
  type CoreState,
  resetElectionTimer,
  SPREAD_TICKS,
  sendNow,
  sendWhenDurable,
  sendWhenTermDurable,
  setHardState,
  standWithin,
} from './state.ts';

/**
 * May this server stand? Only one whose disk answers and whose state is whole; and a voter of the configuration in
 * force, or of one that it may still be rolled back to: the others may need the log of a server that is just being
 * removed, until its removal is committed (dissertation §4.2.2, figure 4.6). Its own vote does not count then.
 */
export function isPromotable(state: CoreState): boolean {
  return (
    state.configurations.some(({ configuration }) => isVoter(configuration, state.server)) &&
    state.pendingSnapshot === undefined &&
    state.durableSequence >= state.restoreSequence &&
    state.writeTicks < state.options.electionTicks
  );
}

export function campaignWithPreVote(state: CoreState): void {
  becomePreCandidate(state);
  for (const voter of state.voters) {
    if (voter === state.server) continue;
    sendNow(state, {
      kind: 'pre-vote-request',
      from: state.server,
      to: voter,
      term: state.term + 1,
      lastLogIndex: state.log.lastIndex,
      lastLogTerm: state.log.lastTerm,
    });
  }
  maybeConcludeElection(state);
}

/** A real election. `leadershipTransfer`: the leader asked for it, so nobody is loyal to the leader. */
export function campaign(state: CoreState, leadershipTransfer: boolean): void {
  becomeCandidate(state);
  for (const voter of state.voters) {
    if (voter === state.server) continue;
    // The own vote is durable before anybody hears of the candidacy: it can never vote twice in this term.
    sendWhenDurable(state, {
      kind: 'vote-request',
      from: state.server,
      to: voter,
      term: state.term,
      lastLogIndex: state.log.lastIndex,
      lastLogTerm: state.log.lastTerm,
      leadershipTransfer,
    });
  }
}

/** Has this server heard from a living leader so lately that it stands by it? (leader stickiness, §4.2.3) */
export function isLoyal(state: CoreState): boolean {
  return state.leader !== undefined && state.electionElapsed < state.options.electionTicks;
}

export function handlePreVoteRequest(state: CoreState, message: PreVoteRequest): void {
  const isLoyalNow = isLoyal(state);
  const isUpToDate = state.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
  const granted = message.term > state.term && !isLoyalNow && isUpToDate;
  if (!isLoyalNow && !isUpToDate) standInstead(state);
  const response: PreVoteResponse = {
    kind: 'pre-vote-response',
    from: state.server,
    to: message.from,
    term: granted ? message.term : state.term,
    granted,
  };
  // A refusal tells the own term, which must not be forgotten in a crash once told.
  if (granted) sendNow(state, response);
  else sendWhenTermDurable(state, response);
}

/**
 * Whoever asked stands by no leader, and its log is behind this one: of the two only this server can win, and may have been
 * refused by the other a moment ago. To wait for a whole time-out would help nobody.
 */
function standInstead(state: CoreState): void {
  if (state.role === 'candidate' || state.role === 'leader') return;
  standWithin(state, 1 + state.options.random.below(SPREAD_TICKS));
}

/** The term of the request is the current one: `step` has seen to that. A learner votes too when it is asked (trap 6). */
export function handleVoteRequest(state: CoreState, message: VoteRequest): void {
  const free =
    state.votedFor === message.from || (state.votedFor === undefined && state.leader === undefined);
  const granted = free && state.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
  if (granted) {
    setHardState(state, { term: state.term, votedFor: message.from });
    resetElectionTimer(state);
  }
  sendWhenDurable(state, {
    kind: 'vote-response',
    from: state.server,
    to: message.from,
    term: state.term,
    granted,
  });
}

export function handlePreVoteResponse(state: CoreState, message: PreVoteResponse): void {
  if (state.role !== 'pre-candidate') return;
  // A grant carries the term that was asked for; an old one, of an earlier attempt, does not count.
  if (message.granted && message.term !== state.term + 1) return;
  recordVote(state, message.from, message.granted);
}

export function handleVoteResponse(state: CoreState, message: VoteResponse): void {
  if (state.role !== 'candidate' || message.term !== state.term) return;
  recordVote(state, message.from, message.granted);
}

/** The candidate's own vote reached the disk. */
export function maybeCountOwnVote(state: CoreState): void {
  if (state.role !== 'candidate' || state.votes.has(state.server)) return;
  if (state.durableSequence >= state.ownVoteSequence) recordVote(state, state.server, true);
}

function recordVote(state: CoreState, from: ServerId, granted: boolean): void {
  if (!state.votes.has(from)) state.votes.set(from, granted);
  maybeConcludeElection(state);
}

function maybeConcludeElection(state: CoreState): void {
  const result = tallyVotes(state.voters, state.votes);
  switch (result) {
    case 'pending':
      return;
    case 'lost':
      becomeFollower(state, state.term, undefined);
      return;
    case 'won':
      if (state.role === 'pre-candidate') campaign(state, false);
      else becomeLeader(state);
      return;
    default:
      unreachable(result);
  }
}
