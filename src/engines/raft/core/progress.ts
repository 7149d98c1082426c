// The progress of one follower: what the leader knows of its log, and the window of appends in flight.

import { assert } from '../../../shared/assert.ts';

/** Bounds of the appends in flight to one follower, in messages and bytes. */
export const MAX_INFLIGHT_APPENDS = 64;
export const MAX_INFLIGHT_BYTES = 8 * 1024 * 1024;

/**
 * probe: the last index at which the logs agree is unknown, and one append is sent at a time.
 * replicate: it is known, and appends are pipelined.
 * snapshot: the next entries are compacted, and nothing is appended until the snapshot has ended.
 */
type ProgressState = 'probe' | 'replicate' | 'snapshot';

interface Inflight {
  readonly lastIndex: number;
  readonly bytes: number;
}

export class Progress {
  state: ProgressState = 'probe';
  /** Invariant: the follower holds the leader's entries up to here durably. Never decreases. */
  match = 0;
  /** The next entry to send. Invariant: match < next. */
  next: number;
  /** The highest commit index that was sent to the follower. */
  sentCommit = 0;
  /** The follower waits for the commit of entries up to here, for its own proposals or its reads. */
  awaitedCommit = 0;
  /** The latest read round that the follower answered. */
  readRound = 0;
  /** Whether the follower answered since the last check-quorum. */
  recentlyActive = false;
  /** Ticks since the last message from the follower. */
  ticksSinceContact = 0;
  /** In probe: an append was sent, and the next one waits for its answer or for the answer to a heartbeat. */
  probeSent = false;
  #inflights: Inflight[] = [];
  #inflightBytes = 0;

  constructor(next: number) {
    this.next = next;
  }

  canSend(): boolean {
    if (this.state !== 'replicate') return this.state === 'probe' && !this.probeSent;
    return this.#inflights.length < MAX_INFLIGHT_APPENDS && this.#inflightBytes < MAX_INFLIGHT_BYTES;
  }

  /** Called when an append up to `lastIndex` was sent. For an append without entries that is next - 1. */
  onSent({ lastIndex, bytes }: Inflight): void {
    if (this.state === 'probe') {
      this.probeSent = true;
      return;
    }
    if (lastIndex < this.next) return;
    this.next = lastIndex + 1;
    this.#inflights.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
  }

  /** Called when the follower holds entries up to `index` durably. True when the match index advanced. */
  onAcknowledged(index: number): boolean {
    while (this.#inflights[0] !== undefined && this.#inflights[0].lastIndex <= index) {
      this.#inflightBytes -= this.#inflights.shift()?.bytes ?? 0;
    }
    this.probeSent = false;
    const hasAdvanced = index > this.match;
    if (hasAdvanced) this.match = index;
    this.next = Math.max(this.next, index + 1);
    return hasAdvanced;
  }

  /** Called when the follower refused an append with previous index `rejected`. False if outdated. */
  onRefused({ rejected, nextTry }: { rejected: number; nextTry: number }): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state !== 'probe' || this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, nextTry), this.match + 1);
    this.probeSent = false;
    return true;
  }

  becomeProbe(): void {
    this.#become('probe');
    this.next = this.match + 1;
  }

  becomeReplicate(): void {
    this.#become('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(): void {
    assert(this.state !== 'snapshot', 'a snapshot is already being sent to this follower');
    this.#become('snapshot');
  }

  #become(state: ProgressState): void {
    this.state = state;
    this.probeSent = false;
    this.#inflights = [];
    this.#inflightBytes = 0;
  }
}
