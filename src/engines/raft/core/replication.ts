// The leader's side of log replication (§5.3).

import { present } from '../../../shared/assert.ts';
import { maybeCommit } from './commit.ts';
import type { ServerId } from './configuration.ts';
import { entrySizeBytes } from './entry.ts';
import { lastIndexAtMostTerm } from './log.ts';
import type { AppendResponse, HeartbeatResponse, ReadIndexRequest } from './message.ts';
import type { Progress } from './progress.ts';
import { quorumValue } from './quorum.ts';
import { isFull, joinNextRound, maybeBeginRound, takeConfirmed } from './read-requests.ts';
import { refuseRead } from './roles.ts';
import { type CoreState, sendAppendRequest, sendNow } from './state.ts';

/** Sends every follower what it lacks and has room for, heartbeats that are due, and news of the commit index. */
export function broadcast(state: CoreState): void {
  if (maybeBeginRound(state.reads)) state.heartbeatDue = true;
  if (state.heartbeatDue) broadcastHeartbeat(state);
  for (const [server, progress] of state.progress) {
    if (server === state.server) continue;
    while (progress.canSend() && progress.next <= state.log.lastIndex) {
      if (!sendAppend(state, server, progress)) break;
    }
    if (awaitsNews(state, progress) && progress.canSend()) sendAppend(state, server, progress);
  }
  confirmReads(state);
}

/**
 * News of the commit index goes along with the next entries or heartbeat, unless somebody waits for it at the follower:
 * a message of its own, and its answer, after every write would cost as much as the entries do.
 */
function awaitsNews({ commitIndex, leaderStartIndex }: CoreState, progress: Progress): boolean {
  const { sentCommit, awaitedCommit } = progress;
  // Until the first commit of its term a leader does not know how far its predecessor had committed, nor do the others.
  return sentCommit < commitIndex && sentCommit < Math.max(awaitedCommit, leaderStartIndex);
}

function broadcastHeartbeat(state: CoreState): void {
  state.heartbeatDue = false;
  state.heartbeatElapsed = 0;
  for (const [server, progress] of state.progress) {
    if (server === state.server) continue;
    const commitIndex = Math.min(progress.match, state.commitIndex);
    sendNow(state, {
      kind: 'heartbeat-request',
      from: state.server,
      to: server,
      term: state.term,
      commitIndex,
      readRound: state.reads.round,
    });
    progress.sentCommit = Math.max(progress.sentCommit, commitIndex);
  }
}

/** Sends the next entries, or none when the follower has them all. False when it needs a snapshot instead. */
function sendAppend(state: CoreState, to: ServerId, progress: Progress): boolean {
  const previousLogIndex = progress.next - 1;
  const previousLogTerm = state.log.term(previousLogIndex);
  if (previousLogTerm === undefined) {
    // A snapshot is worth sending only to somebody who is there.
    if (!progress.recentlyActive) return false;
    progress.becomeSnapshot();
    state.snapshotsWanted.push(to);
    return false;
  }
  const entries = state.log.entries(progress.next, state.options.maxAppendBytes);
  const previous = { index: previousLogIndex, term: previousLogTerm };
  sendAppendRequest(state, to, { previous, entries });
  const bytes = entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
  progress.sent(previousLogIndex + entries.length, bytes);
  progress.sentCommit = state.commitIndex;
  return true;
}

export function handleAppendResponse(state: CoreState, message: AppendResponse): void {
  const progress = state.progress.get(message.from);
  if (state.role !== 'leader' || progress === undefined) return;
  noteContact(progress);
  if (!message.success) {
    const meeting =
      message.hintTerm > 0
        ? lastIndexAtMostTerm(state.log, { index: message.hintIndex, term: message.hintTerm }).index
        : message.hintIndex;
    progress.refused(message.index, meeting + 1);
    return;
  }
  if (message.index > state.log.lastIndex) return;
  const news = progress.acknowledged(message.index);
  if (progress.state === 'probe' && message.index === progress.match) progress.becomeReplicate();
  if (progress.state === 'snapshot' && progress.match >= state.log.start.index) progress.becomeReplicate();
  if (!news) return;
  maybeCommit(state);
  maybeHandOver(state);
}

export function handleHeartbeatResponse(state: CoreState, message: HeartbeatResponse): void {
  const progress = state.progress.get(message.from);
  if (state.role !== 'leader' || progress === undefined) return;
  noteContact(progress);
  progress.readRound = Math.max(progress.readRound, Math.min(message.readRound, state.reads.round));
  confirmReads(state);
  progress.probeSent = false;
  // Appends may have been lost with a connection: an append that does not fit shows where (it may be empty).
  if (progress.state !== 'snapshot' && progress.match < state.log.lastIndex) {
    sendAppendOutOfWindow(state, message.from, progress);
  }
}

/** Like sendAppend, also when the window is full of appends that may be lost: then without entries. */
function sendAppendOutOfWindow(state: CoreState, to: ServerId, progress: Progress): void {
  if (progress.canSend()) {
    sendAppend(state, to, progress);
    return;
  }
  const previousLogIndex = progress.next - 1;
  const previousLogTerm = state.log.term(previousLogIndex);
  if (previousLogTerm === undefined) {
    // What it may have missed is compacted meanwhile: no append can ever ask, only a snapshot helps.
    progress.becomeProbe();
    sendAppend(state, to, progress);
    return;
  }
  const previous = { index: previousLogIndex, term: previousLogTerm };
  sendAppendRequest(state, to, { previous, entries: [] });
}

function noteContact(progress: Progress): void {
  progress.recentlyActive = true;
  progress.ticksSinceContact = 0;
}

/** A read of this server or of a follower: gets the commit index once a quorum confirms the leadership (§6.4). */
export function handleReadIndexRequest(state: CoreState, message: ReadIndexRequest): void {
  requestRead(state, message.from, message.requestId);
}

export function requestRead(state: CoreState, from: ServerId, requestId: number): void {
  if (state.role !== 'leader' || isFull(state.reads)) {
    refuseRead(state, from, requestId);
    return;
  }
  if (!state.committedInOwnTerm) state.reads.early.push({ from, requestId });
  else joinNextRound(state.reads, { from, requestId, readIndex: state.commitIndex });
}

function confirmReads(state: CoreState): void {
  if (state.reads.waiting.length === 0) return;
  const confirmed = takeConfirmed(state.reads, state.voters, (voter) =>
    voter === state.server ? state.reads.round : (state.progress.get(voter)?.readRound ?? 0),
  );
  for (const { from, requestId, readIndex } of confirmed) {
    if (from === state.server) state.confirmedReads.push({ requestId, readIndex });
    else {
      awaitCommit(state, from, readIndex);
      sendNow(state, {
        kind: 'read-index-response',
        from: state.server,
        to: from,
        term: state.term,
        requestId,
        readIndex,
      });
    }
  }
}

/** Somebody at `server` waits until entries up to `index` are committed: it hears so at once, and not with the next entries. */
export function awaitCommit(state: CoreState, server: ServerId, index: number): void {
  const progress = state.progress.get(server);
  if (progress !== undefined) progress.awaitedCommit = Math.max(progress.awaitedCommit, index);
}

/** One tick of a leader: heartbeats, check-quorum, a disk that does not answer, a transfer that hangs. */
export function tickLeader(state: CoreState): 'leads' | 'lost-quorum' | 'disk-stalled' {
  for (const [server, progress] of state.progress) {
    if (server !== state.server) progress.ticksSinceContact += 1;
  }
  if (state.writeTicks >= state.options.electionTicks) return 'disk-stalled';
  if (state.transferTarget !== undefined) {
    state.transferElapsed += 1;
    if (state.transferElapsed >= state.options.electionTicks) state.transferTarget = undefined;
  }
  state.heartbeatElapsed += 1;
  if (state.heartbeatElapsed >= state.options.heartbeatTicks) state.heartbeatDue = true;
  state.electionElapsed += 1;
  if (state.electionElapsed < state.options.electionTicks) return 'leads';
  state.electionElapsed = 0;
  const active = quorumValue(state.voters, (voter) =>
    voter === state.server || state.progress.get(voter)?.recentlyActive === true ? 1 : 0,
  );
  for (const progress of state.progress.values()) progress.recentlyActive = false;
  return active === 1 ? 'leads' : 'lost-quorum';
}

/** The transfer's target has caught up: tell it to stand (dissertation §3.10). */
export function maybeHandOver(state: CoreState): void {
  if (state.transferTarget === undefined) return;
  const progress = state.progress.get(state.transferTarget);
  if (progress === undefined) {
    state.transferTarget = undefined;
    return;
  }
  if (progress.match < state.log.lastIndex) return;
  sendNow(state, { kind: 'timeout-now', from: state.server, to: state.transferTarget, term: state.term });
}

/** The driver's write is durable: the leader's own copy counts (a single server commits here, not before). */
export function noteOwnProgress(state: CoreState): void {
  if (state.role !== 'leader') return;
  const own = present(state.progress.get(state.server), 'a leader has a progress of its own');
  own.match = Math.max(own.match, state.log.durableIndex);
  maybeCommit(state);
}

/** The snapshot that `server` was sent has ended, one way or the other. */
export function handleSnapshotEnded(
  state: CoreState,
  server: ServerId,
  installedIndex: number | undefined,
): void {
  const progress = state.progress.get(server);
  if (state.role !== 'leader' || progress === undefined || progress.state !== 'snapshot') return;
  if (installedIndex !== undefined) {
    progress.acknowledged(installedIndex);
    // Where the logs agree is known now. A probe would wait for an entry to carry it: in an idle cluster for ever, and
    // a learner in that state is never promoted.
    if (progress.match >= state.log.start.index) progress.becomeReplicate();
    else progress.becomeProbe();
    return;
  }
  // Perhaps only the answer was lost, and the follower has more than is known of it: it is asked anew from the end,
  // where its match may lie below the log. Not before it answers a heartbeat, so that failing at once is no busy loop.
  progress.becomeProbe();
  progress.next = state.log.lastIndex + 1;
  progress.probeSent = true;
}
