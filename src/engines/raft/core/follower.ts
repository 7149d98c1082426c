// The follower's side of log replication and snapshots (§5.3, §7).

import { assert } from '../../../shared/assert.ts';
import { commitTo } from './commit.ts';
import type { ServerId } from './configuration.ts';
import { campaign, isPromotable } from './election.ts';
import { lastIndexAtMostTerm } from './log.ts';
import type { AppendRequest, HeartbeatRequest, ReadIndexResponse, TimeoutNow } from './message.ts';
import type { SnapshotPoint } from './ready.ts';
import { becomeFollower } from './roles.ts';
import {
  appendToLog,
  type CoreState,
  envelope,
  noteChange,
  sendWhenDurable,
  sendWhenTermDurable,
} from './state.ts';

/** Follows `leader`, which sent a message that only the leader of the current term sends. */
function follow(state: CoreState, leader: ServerId): void {
  assert(state.role !== 'leader', `two leaders in term ${state.term}: ${state.server} and ${leader}`);
  if (state.role !== 'follower') becomeFollower(state, state.term, leader);
  state.leader = leader;
  state.electionElapsed = 0;
}

export function handleAppendRequest(state: CoreState, message: AppendRequest): void {
  follow(state, message.from);
  if (message.previousLogIndex < state.commitIndex) {
    // Committed entries agree already, compacted or not. The leader continues from there (trap 12).
    acknowledge(state, message.from, state.commitIndex);
    return;
  }
  if (state.log.term(message.previousLogIndex) !== message.previousLogTerm) {
    refuse(state, message);
    return;
  }
  appendNewEntries(state, message);
  const lastVerified = message.previousLogIndex + message.entries.length;
  // Never beyond the entries that this append verified: later ones may be from an older leader (trap 11).
  commitTo(state, Math.min(message.commitIndex, lastVerified));
  acknowledge(state, message.from, lastVerified);
}

/** Appends missing entries. Only a real conflict truncates, never a short or repeated append (trap 10). */
function appendNewEntries(state: CoreState, message: AppendRequest): void {
  const position = message.entries.findIndex((entry) => state.log.term(entry.index) !== entry.term);
  if (position === -1) return;
  const fresh = message.entries.slice(position);
  const first = fresh[0];
  if (first !== undefined && first.index <= state.log.lastIndex) {
    assert(first.index > state.commitIndex, `entry ${first.index} is committed and may not be replaced`);
    state.log.truncateFrom(first.index);
    // A configuration that is truncated is no longer in force (trap 17).
    while (state.latestConfiguration.index >= first.index) state.configurations.pop();
  }
  appendToLog(state, fresh);
}

function acknowledge(state: CoreState, to: ServerId, index: number): void {
  sendWhenDurable(state, {
    kind: 'append-response',
    from: state.server,
    to,
    term: state.term,
    success: true,
    index,
    hintIndex: 0,
    hintTerm: 0,
  });
}

/** Refuses an append, or tells a deposed leader the current term. A deposed leader gets no hint. */
export function refuse(state: CoreState, message: AppendRequest | HeartbeatRequest): void {
  const isCurrent = message.kind === 'append-request' && message.term === state.term;
  const index = isCurrent ? message.previousLogIndex : 0;
  const term = isCurrent ? message.previousLogTerm : 0;
  const hint = lastIndexAtMostTerm(state.log, { index, term });
  sendWhenTermDurable(state, {
    kind: 'append-response',
    from: state.server,
    to: message.from,
    term: state.term,
    success: false,
    index,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

export function handleHeartbeatRequest(state: CoreState, message: HeartbeatRequest): void {
  follow(state, message.from);
  // The leader sends a commit index that this server is known to match.
  commitTo(state, Math.min(message.commitIndex, state.log.lastIndex));
  const { from, readRound } = message;
  sendWhenTermDurable(state, { kind: 'heartbeat-response', ...envelope(state, from), readRound });
}

export function handleReadIndexResponse(state: CoreState, message: ReadIndexResponse): void {
  if (message.readIndex === 0) state.refusedReads.push(message.requestId);
  else state.confirmedReads.push({ requestId: message.requestId, readIndex: message.readIndex });
}

/** The leader hands over: starts an election at once, without pre-vote. */
export function handleTimeoutNow(state: CoreState, message: TimeoutNow): void {
  if (state.role === 'leader' || message.from !== state.leader || !isPromotable(state)) return;
  campaign(state, true);
}

/**
 * Replaces log and state with a snapshot that is staged and verified. True when the state must switch to it,
 * which the next persist request does. False when this server already has everything that the snapshot holds.
 */
export function restoreSnapshot(state: CoreState, point: SnapshotPoint): boolean {
  // A leader holds all committed entries. Staging takes long, and this server may have been elected
  // meanwhile.
  if (state.role === 'leader' || point.index <= state.commitIndex) return false;
  if (state.log.term(point.index) === point.term) {
    // The log agrees up to the snapshot's last entry, so it has all of them, and they are committed.
    commitTo(state, point.index);
    return false;
  }
  // The snapshot replaces the log and the voters this candidacy was based on.
  if (state.role !== 'follower') becomeFollower(state, state.term, undefined);
  // Every entry in the log is older than the snapshot or conflicts with it (trap 21).
  state.log.restore({ index: point.index, term: point.term });
  state.configurations = [{ index: point.configurationIndex, configuration: point.configuration }];
  state.commitIndex = point.index;
  state.appliedIndex = point.index;
  state.pendingSnapshot = point;
  state.restoreSequence = noteChange(state);
  return true;
}
