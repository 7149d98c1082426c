// What a leader knows of one follower's log, and how fast it may send to it.

import { assert } from '../../../shared/assert.ts';

/** Appends under way to one follower, in messages and bytes. */
export const MAX_INFLIGHT_APPENDS = 64;
export const MAX_INFLIGHT_BYTES = 8 * 1024 * 1024;

/**
 * probe: where the logs agree is not known; one append at a time. replicate: it is; appends are pipelined.
 * snapshot: what it needs next is compacted; nothing is appended until the snapshot has ended.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

interface Inflight {
  readonly lastIndex: number;
  readonly bytes: number;
}

export class Progress {
  state: ProgressState = 'probe';
  /** Invariant: the follower holds, durably, the leader's entries up to here. Never goes back. */
  match = 0;
  /** Invariant: match < next. The next entry to send. */
  next: number;
  /** The commit index that the follower has been told, at most. */
  sentCommit = 0;
  /** The follower waits to hear that entries up to here are committed: of its own proposals, or for its reads. */
  awaitedCommit = 0;
  /** The latest read round that it has answered. */
  readRound = 0;
  /** Whether it answered since check-quorum last looked. */
  recentlyActive = false;
  /** Ticks since anything came from it. */
  ticksSinceContact = 0;
  /** In probe: an append is out, wait for an answer or the next heartbeat. */
  probeSent = false;
  #inflights: Inflight[] = [];
  #inflightBytes = 0;

  constructor(next: number) {
    this.next = next;
  }

  canSend(): boolean {
    switch (this.state) {
      case 'probe':
        return !this.probeSent;
      case 'replicate':
        return this.#inflights.length < MAX_INFLIGHT_APPENDS && this.#inflightBytes < MAX_INFLIGHT_BYTES;
      case 'snapshot':
        return false;
    }
  }

  /** An append that ends at `lastIndex` was sent; `lastIndex` is next - 1 for an empty one. */
  sent(lastIndex: number, bytes: number): void {
    if (this.state === 'probe') {
      this.probeSent = true;
      return;
    }
    if (lastIndex < this.next) return;
    this.next = lastIndex + 1;
    this.#inflights.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
  }

  /** The follower holds entries up to `index`. True when that is news. */
  acknowledged(index: number): boolean {
    while (this.#inflights[0] !== undefined && this.#inflights[0].lastIndex <= index) {
      this.#inflightBytes -= this.#inflights.shift()?.bytes ?? 0;
    }
    this.probeSent = false;
    const news = index > this.match;
    if (news) this.match = index;
    this.next = Math.max(this.next, index + 1);
    return news;
  }

  /** The follower refused an append whose previous index was `rejected`. False when that answer is out of date. */
  refused(rejected: number, nextTry: number): boolean {
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
    this.state = 'probe';
    this.#clear();
    this.next = this.match + 1;
  }

  becomeReplicate(): void {
    this.state = 'replicate';
    this.#clear();
    this.next = this.match + 1;
  }

  becomeSnapshot(): void {
    assert(this.state !== 'snapshot', 'a snapshot is already on its way to this follower');
    this.state = 'snapshot';
    this.#clear();
  }

  #clear(): void {
    this.probeSent = false;
    this.#inflights = [];
    this.#inflightBytes = 0;
  }
}
