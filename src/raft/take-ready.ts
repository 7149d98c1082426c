// What the core wants done, and what follows when the disk has done it.

import { assert, present } from '../shared/assert.ts';
import { maybeCountOwnVote } from './election.ts';
import { type Entry, entrySizeBytes } from './entry.ts';
import type { PersistRequest, Ready } from './ready.ts';
import { broadcast, noteOwnProgress } from './replication.ts';
import type { CoreState } from './state.ts';

/** Takes what is to be done. Call again until it is empty (`isEmpty`), and after every event. */
export function takeReady(state: CoreState): Ready {
  if (state.role === 'leader') broadcast(state);
  const persist = takePersist(state);
  const committed = takeCommitted(state);
  const ready: Ready = {
    messages: state.messages,
    persist,
    committed,
    reads: state.confirmedReads,
    refusedReads: state.refusedReads,
    snapshotsWanted: state.snapshotsWanted,
  };
  if (state.messages.length > 0) state.messages = [];
  if (state.confirmedReads.length > 0) state.confirmedReads = [];
  if (state.refusedReads.length > 0) state.refusedReads = [];
  if (state.snapshotsWanted.length > 0) state.snapshotsWanted = [];
  return ready;
}

function takePersist(state: CoreState): PersistRequest | undefined {
  if (state.writeUnderWay !== undefined) return undefined;
  if (!state.hardStateChanged && state.pendingSnapshot === undefined && !state.log.hasUnwritten()) {
    return undefined;
  }
  const persist: PersistRequest = {
    hardState: state.hardStateChanged ? { term: state.term, votedFor: state.votedFor } : undefined,
    log: state.log.takeWrite(),
    snapshot: state.pendingSnapshot,
  };
  state.hardStateChanged = false;
  state.pendingSnapshot = undefined;
  state.writeUnderWay = { sequence: state.changeSequence };
  state.writeTicks = 0;
  return persist;
}

function takeCommitted(state: CoreState): readonly Entry[] {
  const isRestoring = state.durableSequence < state.restoreSequence;
  if (isRestoring || state.appliedIndex >= state.commitIndex) return NO_ENTRIES;
  const entries = state.log.entries(
    state.appliedIndex + 1,
    state.options.maxApplyBytes,
    state.commitIndex + 1,
  );
  assert(entries.length > 0, 'there is something to apply');
  state.appliedIndex += entries.length;
  if (state.role === 'leader') {
    const bytes = entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
    state.uncommittedBytes = Math.max(0, state.uncommittedBytes - bytes);
  }
  state.log.trimCache(state.appliedIndex);
  return entries;
}

/** The write of the last `persist` is durable. */
export function persisted(state: CoreState): void {
  const write = present(state.writeUnderWay, 'no write is under way');
  state.writeUnderWay = undefined;
  state.writeTicks = 0;
  state.durableSequence = write.sequence;
  state.log.writeDurable();
  releaseWaitingMessages(state);
  maybeCountOwnVote(state);
  noteOwnProgress(state);
}

function releaseWaitingMessages(state: CoreState): void {
  if (state.waitingMessages.length === 0) return;
  const stillWaiting = state.waitingMessages.filter(
    (waiting) => waiting.sequence > state.durableSequence && waiting.message.term >= state.term,
  );
  for (const { message, sequence } of state.waitingMessages) {
    // What was promised in an earlier term is of no use to anybody now, and may have been truncated since.
    if (sequence <= state.durableSequence && message.term >= state.term) state.messages.push(message);
  }
  state.waitingMessages = stillWaiting;
}

const NO_ENTRIES: readonly Entry[] = [];

/** Whether there was nothing to do. */
export function isEmpty(ready: Ready): boolean {
  return (
    ready.messages.length === 0 &&
    ready.persist === undefined &&
    ready.committed.length === 0 &&
    ready.reads.length === 0 &&
    ready.refusedReads.length === 0 &&
    ready.snapshotsWanted.length === 0
  );
}
