// Fills a Ready with the pending work, and continues when the disk write of it is durable.

import { assert, present } from '../../../shared/assert.ts';
import { maybeCountOwnVote } from './election.ts';
import { type Entry, entrySizeBytes } from './entry.ts';
import type { Message } from './message.ts';
import type { PersistRequest, Ready } from './ready.ts';
import { broadcast, noteOwnProgress } from './replication.ts';
import type { CoreState } from './state.ts';

/** Takes the pending work. The driver calls it after events, and again until the Ready is empty. */
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
  assert(entries.length > 0, 'committed entries that are not applied exist');
  state.appliedIndex += entries.length;
  if (state.role === 'leader') {
    // `propose` counted the commands of the leader's own term.
    for (const entry of entries) {
      if (entry.kind === 'command' && entry.term === state.term)
        state.uncommittedBytes -= entrySizeBytes(entry);
    }
    assert(state.uncommittedBytes >= 0, 'proposed bytes are subtracted once');
  }
  state.log.trimCache(state.appliedIndex);
  return entries;
}

/** Called when the write of the last `persist` is durable. */
export function onPersisted(state: CoreState): void {
  const write = present(state.writeUnderWay, 'no write is under way');
  state.writeUnderWay = undefined;
  state.writeTicks = 0;
  state.durableSequence = write.sequence;
  state.log.onWriteDurable();
  releaseWaitingMessages(state);
  maybeCountOwnVote(state);
  noteOwnProgress(state);
}

function releaseWaitingMessages(state: CoreState): void {
  if (state.waitingMessages.length === 0) return;
  const stillTrue = state.waitingMessages.filter(({ message }) => isStillTrue(state, message));
  for (const { message, sequence } of stillTrue) {
    if (sequence <= state.durableSequence) state.messages.push(message);
  }
  state.waitingMessages = stillTrue.filter(({ sequence }) => sequence > state.durableSequence);
}

/** False for answers of an earlier term and requests of an ended candidacy: their entries may be gone. */
function isStillTrue(state: CoreState, message: Message): boolean {
  return message.term >= state.term && (message.kind !== 'vote-request' || state.role === 'candidate');
}

const NO_ENTRIES: readonly Entry[] = [];

/** Whether there is no work in `ready`. */
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
