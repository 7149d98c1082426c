// What the core wants done, and what follows when the disk has done it.

import { assert, present } from '../../../shared/assert.ts';
import { maybeCountOwnVote } from './election.ts';
import { type Entry, entrySizeBytes } from './entry.ts';
import type { Message } from './message.ts';
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
    state.uncommittedBytes -= proposedBytes(state.term, entries);
    assert(state.uncommittedBytes >= 0, 'what was proposed is applied once');
  }
  state.log.trimCache(state.appliedIndex);
  return entries;
}

/** What `propose` counted of these entries: the commands of the leader's own term, and nothing else. */
function proposedBytes(term: number, entries: readonly Entry[]): number {
  return entries.reduce(
    (sum, entry) => (entry.kind === 'command' && entry.term === term ? sum + entrySizeBytes(entry) : sum),
    0,
  );
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
  const stillTrue = state.waitingMessages.filter(({ message }) => isStillTrue(state, message));
  for (const { message, sequence } of stillTrue) {
    if (sequence <= state.durableSequence) state.messages.push(message);
  }
  state.waitingMessages = stillTrue.filter(({ sequence }) => sequence > state.durableSequence);
}

/** What was promised in an earlier term, or asked in a candidacy that is over, may speak of entries that are gone. */
function isStillTrue(state: CoreState, message: Message): boolean {
  return message.term >= state.term && (message.kind !== 'vote-request' || state.role === 'candidate');
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
