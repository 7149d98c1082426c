// The leader's side of log replication (§5.3).

import { present } from '../../../shared/assert.ts';
import { maybeCommit } from './commit.ts';
import type { ServerId } from './configuration.ts';
import { entriesSizeBytes } from './entry.ts';
import { lastIndexAtMostTerm, type RaftLog } from './log.ts';
import type { AppendResponse, HeartbeatResponse } from './message.ts';
import type { Progress } from './progress.ts';
import { quorumValue } from './quorum.ts';
import { isFull, joinNextRound, maybeBeginRound, takeConfirmed } from './read-requests.ts';
import { refuseRead } from './roles.ts';
import { type CoreState, envelope, sendEntries, sendNow } from './state.ts';

/** Sends due heartbeats, and to each follower the entries and the commit index that it lacks. */
export function broadcast(state: CoreState): void {
  if (maybeBeginRound(state.reads)) state.heartbeatDue = true;
  if (state.heartbeatDue) broadcastHeartbeat(state);
  for (const [server, progress] of state.progress) {
    if (server === state.server) continue;
    while (progress.canSend() && progress.next <= state.log.lastIndex) {
      if (!sendAppend(state, server, progress)) break;
    }
    if (awaitsCommitIndex(state, progress) && progress.canSend()) sendAppend(state, server, progress);
  }
  confirmReads(state);
}

/**
 * Whether the follower must learn the commit index now. Otherwise it learns it with the next entries or
 * heartbeat: an extra message and its answer after every write would cost as much as the entries.
 */
function awaitsCommitIndex({ commitIndex, leaderStartIndex }: CoreState, progress: Progress): boolean {
  const { sentCommit, awaitedCommit } = progress;
  // The first commit of a term is sent at once: before it no server knows how far the last leader had
  // committed.
  return sentCommit < commitIndex && sentCommit < Math.max(awaitedCommit, leaderStartIndex);
}

function broadcastHeartbeat(state: CoreState): void {
  state.heartbeatDue = false;
  state.heartbeatElapsed = 0;
  for (const [server, progress] of state.progress) {
    if (server === state.server) continue;
    const commitIndex = Math.min(progress.match, state.commitIndex);
    const readRound = state.reads.round;
    sendNow(state, { kind: 'heartbeat-request', ...envelope(state, server), commitIndex, readRound });
    progress.sentCommit = Math.max(progress.sentCommit, commitIndex);
  }
}

/** Sends the next entries, or none if the follower has them all. False if it needs a snapshot instead. */
function sendAppend(state: CoreState, to: ServerId, progress: Progress): boolean {
  const previousLogIndex = progress.next - 1;
  const entries = sendEntries(state, to, { previousLogIndex });
  if (entries === undefined) {
    // A snapshot is sent only to a follower that answers.
    if (!progress.recentlyActive) return false;
    progress.becomeSnapshot();
    state.snapshotsWanted.push(to);
    return false;
  }
  progress.onSent({ lastIndex: previousLogIndex + entries.length, bytes: entriesSizeBytes(entries) });
  progress.sentCommit = state.commitIndex;
  return true;
}

/** Notes on a leader that `server` answered. Returns its progress; undefined on others, or for no member. */
function noteContact({ role, progress }: CoreState, server: ServerId): Progress | undefined {
  const follower = role === 'leader' ? progress.get(server) : undefined;
  if (follower === undefined) return undefined;
  follower.recentlyActive = true;
  follower.ticksSinceContact = 0;
  return follower;
}

export function handleAppendResponse(state: CoreState, message: AppendResponse): void {
  const progress = noteContact(state, message.from);
  if (progress === undefined) return;
  if (!message.success) {
    progress.onRefused({ rejected: message.index, nextTry: lastPossibleMatch(state.log, message) + 1 });
    return;
  }
  if (message.index > state.log.lastIndex) return;
  const hasAdvanced = progress.onAcknowledged(message.index);
  if (progress.state === 'probe' && message.index === progress.match) progress.becomeReplicate();
  if (progress.state === 'snapshot' && progress.match >= state.log.start.index) progress.becomeReplicate();
  if (!hasAdvanced) return;
  maybeCommit(state);
  maybeHandOver(state);
}

/**
 * The last index at which the logs may agree, after a refusal (back-off by term, §5.3). Each row gives the
 * entries' terms:
 *
 *     index     1  2  3  4  5  6  7  8  9
 *     leader    1  1  1  4  4  5  5  5  5    sends an append with previous index 9, term 5
 *     follower  1  1  1  2  2  3  3  3       refuses, with the hint 8, term 3: its last entry of a term ≤ 5
 *
 * The leader's last entry at or before 8 of a term ≤ 3 is entry 3. From 4 to 8 the leader's terms are above 3
 * and the follower's are not, so no entry there can match. The next append, after one
 * refusal, has previous index 3.
 */
function lastPossibleMatch(log: RaftLog, { hintIndex, hintTerm }: AppendResponse): number {
  return hintTerm > 0 ? lastIndexAtMostTerm(log, { index: hintIndex, term: hintTerm }).index : hintIndex;
}

export function handleHeartbeatResponse(state: CoreState, message: HeartbeatResponse): void {
  const progress = noteContact(state, message.from);
  if (progress === undefined) return;
  progress.readRound = Math.max(progress.readRound, Math.min(message.readRound, state.reads.round));
  confirmReads(state);
  progress.probeSent = false;
  // Appends may have been lost with a connection. The answer to another append, even an empty one, shows from
  // where.
  if (progress.state !== 'snapshot' && progress.match < state.log.lastIndex) {
    sendAppendOutOfWindow(state, message.from, progress);
  }
}

/** Like sendAppend. If the window is full of appends, which may be lost, sends one without entries. */
function sendAppendOutOfWindow(state: CoreState, to: ServerId, progress: Progress): void {
  if (!progress.canSend()) {
    const nothing = { previousLogIndex: progress.next - 1, end: progress.next };
    if (sendEntries(state, to, nothing) !== undefined) return;
    // The entries that it may lack are compacted by now. Only a snapshot helps.
    progress.becomeProbe();
  }
  sendAppend(state, to, progress);
}

/** Gives a read of any server the commit index, once a quorum confirms this leader (§6.4). */
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
      sendNow(state, { kind: 'read-index-response', ...envelope(state, from), requestId, readIndex });
    }
  }
}

/** Makes the leader tell `server` at once, not with later entries, when `index` is committed. */
export function awaitCommit(state: CoreState, server: ServerId, index: number): void {
  const progress = state.progress.get(server);
  if (progress !== undefined) progress.awaitedCommit = Math.max(progress.awaitedCommit, index);
}

/** One tick of a leader: checks heartbeats, quorum, the disk and a transfer under way. */
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

/** Tells the target of a transfer to stand for election once it has caught up (dissertation §3.10). */
export function maybeHandOver(state: CoreState): void {
  if (state.transferTarget === undefined) return;
  const progress = state.progress.get(state.transferTarget);
  if (progress === undefined) {
    state.transferTarget = undefined;
    return;
  }
  if (progress.match < state.log.lastIndex) return;
  sendNow(state, { kind: 'timeout-now', ...envelope(state, state.transferTarget) });
}

/** Counts the leader's own durable entries. A cluster of one server commits here, and not before. */
export function noteOwnProgress(state: CoreState): void {
  if (state.role !== 'leader') return;
  const own = present(state.progress.get(state.server), 'a leader has a progress of its own');
  own.match = Math.max(own.match, state.log.durableIndex);
  maybeCommit(state);
}

/** Called when the snapshot for `server` was installed, or failed (`installedIndex` is undefined). */
export function handleSnapshotEnded(
  state: CoreState,
  server: ServerId,
  installedIndex: number | undefined,
): void {
  const progress = state.progress.get(server);
  if (state.role !== 'leader' || progress === undefined || progress.state !== 'snapshot') return;
  if (installedIndex !== undefined) {
    progress.onAcknowledged(installedIndex);
    // The match index is known now. A probe would wait for a new entry, in an idle cluster for ever, and a
    // learner in that state is never promoted.
    if (progress.match >= state.log.start.index) progress.becomeReplicate();
    else progress.becomeProbe();
    return;
  }
  // Perhaps only the answer was lost and the follower has more than its match index says. Probe from the end
  // of the log, because the match may be compacted. Wait for a heartbeat's answer first, so that a failure is
  // no busy loop.
  progress.becomeProbe();
  progress.next = state.log.lastIndex + 1;
  progress.probeSent = true;
}
