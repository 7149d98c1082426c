// Elections: pre-vote and vote, asked for and granted (§5.2, §5.4.1; dissertation §4.2.3, §9.6).

import { isVoter, type ServerId } from './configuration.ts';
import type {
  Envelope,
  LastLog,
  PreVoteRequest,
  PreVoteResponse,
  VoteRequest,
  VoteResponse,
} from './message.ts';
import { tallyVotes } from './quorum.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import {
  type CoreState,
  envelope,
  resetElectionTimer,
  sendNow,
  sendWhenDurable,
  sendWhenTermDurable,
  setHardState,
  standWithin,
} from './state.ts';

/**
 * Whether this server may stand for election: its disk answers, its state is complete, and it is a voter.
 *
 * A voter of a configuration that a rollback may restore also counts. The others may need the log of a server
 * that is being removed, until the removal is committed (dissertation §4.2.2, figure 4.6). Its own vote does
 * not count then.
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
  for (const request of requests(state)) {
    sendNow(state, { kind: 'pre-vote-request', ...request, term: state.term + 1 });
  }
  maybeConcludeElection(state);
}

/** Starts a real election. `leadershipTransfer`: the leader asked for it, so loyalty to it does not count. */
export function campaign(state: CoreState, leadershipTransfer: boolean): void {
  becomeCandidate(state);
  // Sent once the own vote is durable, so that this server cannot vote twice in this term.
  for (const request of requests(state)) {
    sendWhenDurable(state, { kind: 'vote-request', ...request, leadershipTransfer });
  }
}

/** Returns the fields that a request to each other voter has for pre-vote and vote alike. */
function requests(state: CoreState): (Envelope & LastLog)[] {
  const lastLog = { lastLogIndex: state.log.lastIndex, lastLogTerm: state.log.lastTerm };
  const others = state.voters.filter((voter) => voter !== state.server);
  return others.map((voter) => ({ ...envelope(state, voter), ...lastLog }));
}

/** Whether this server heard from its leader within the last election timeout (leader stickiness, §4.2.3). */
export function isLoyal(state: CoreState): boolean {
  return state.leader !== undefined && state.electionElapsed < state.options.electionTicks;
}

export function handlePreVoteRequest(state: CoreState, message: PreVoteRequest): void {
  const isLoyalNow = isLoyal(state);
  const isUpToDate = state.log.isUpToDate(message);
  const granted = message.term > state.term && !isLoyalNow && isUpToDate;
  if (!isLoyalNow && !isUpToDate) standInstead(state);
  const response = { kind: 'pre-vote-response', ...envelope(state, message.from), granted } as const;
  // A refusal tells the own term. A term that was told must survive a crash.
  if (granted) sendNow(state, { ...response, term: message.term });
  else sendWhenTermDurable(state, response);
}

/**
 * Stands soon instead of a server whose log is behind this one and which follows no leader. Of the two only
 * this server can win, so waiting for a whole election timeout gains nothing.
 */
function standInstead(state: CoreState): void {
  if (state.role !== 'candidate' && state.role !== 'leader') standWithin(state);
}

/** `step` has made the request's term the current one. A learner votes too when it is asked (trap 6). */
export function handleVoteRequest(state: CoreState, message: VoteRequest): void {
  const free =
    state.votedFor === message.from || (state.votedFor === undefined && state.leader === undefined);
  const granted = free && state.log.isUpToDate(message);
  if (granted) {
    setHardState(state, { term: state.term, votedFor: message.from });
    resetElectionTimer(state);
  }
  sendWhenDurable(state, { kind: 'vote-response', ...envelope(state, message.from), granted });
}

export function handlePreVoteResponse(state: CoreState, message: PreVoteResponse): void {
  if (state.role !== 'pre-candidate') return;
  // A grant carries the term that was asked for. A grant of an earlier attempt does not count.
  if (message.granted && message.term !== state.term + 1) return;
  recordVote(state, message.from, message.granted);
}

export function handleVoteResponse(state: CoreState, message: VoteResponse): void {
  if (state.role !== 'candidate' || message.term !== state.term) return;
  recordVote(state, message.from, message.granted);
}

/** Counts the candidate's own vote once it is durable. */
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
  if (result === 'lost') becomeFollower(state, state.term, undefined);
  if (result !== 'won') return;
  if (state.role === 'pre-candidate') campaign(state, false);
  else becomeLeader(state);
}
