// ReadIndex (dissertation §6.4): a read waits until a quorum has confirmed that this server still led after
// the read arrived. All reads of a batch share one round of heartbeats.

import type { ServerId } from './configuration.ts';
import { quorumValue } from './quorum.ts';

/** Reads that wait on a leader at once. Each is itself a batch of reads of one node. */
export const MAX_WAITING_READS = 4_096;

interface ReadRequest {
  readonly from: ServerId;
  readonly requestId: number;
  readonly readIndex: number;
  /** Confirmed by answers to this round or a later one. */
  readonly round: number;
}

export interface ReadRequests {
  /** The round in the current heartbeats. Rounds belong to one term of one leader. */
  round: number;
  /** In order of their rounds. */
  waiting: ReadRequest[];
  /** Arrived before the leader committed in its own term (§6.4), so no read index can be given yet. */
  early: Pick<ReadRequest, 'from' | 'requestId'>[];
}

export function createReadRequests(): ReadRequests {
  return { round: 0, waiting: [], early: [] };
}

export function isFull(reads: ReadRequests): boolean {
  return reads.waiting.length + reads.early.length >= MAX_WAITING_READS;
}

/** Adds a request to the round that the next heartbeats begin. */
export function joinNextRound(reads: ReadRequests, request: Omit<ReadRequest, 'round'>): void {
  reads.waiting.push({ ...request, round: reads.round + 1 });
}

/** Begins the next round if a read waits for it. True when heartbeats must be sent for it. */
export function maybeBeginRound(reads: ReadRequests): boolean {
  const last = reads.waiting.at(-1);
  if (last === undefined || last.round <= reads.round) return false;
  reads.round += 1;
  return true;
}

/** Removes and returns reads that a quorum confirmed. `roundOf`: the latest round that a voter answered. */
export function takeConfirmed(
  reads: ReadRequests,
  voters: readonly ServerId[],
  roundOf: (voter: ServerId) => number,
): ReadRequest[] {
  const confirmedRound = quorumValue(voters, roundOf);
  let count = 0;
  while ((reads.waiting[count]?.round ?? Number.POSITIVE_INFINITY) <= confirmedRound) count += 1;
  return reads.waiting.splice(0, count);
}
