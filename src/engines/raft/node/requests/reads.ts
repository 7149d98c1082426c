// Reads that wait until this node's state holds every write that was acknowledged before them. All waiting
// reads share one ReadIndex request. A lost or refused request is repeated under a new id.

import type { ReadOutcome } from '../../../engine.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';

/** Bound on requests under way: one is being answered while another gathers behind it. */
const MAX_REQUESTS_UNDER_WAY = 2;

interface Waiter {
  readonly done: (outcome: ReadOutcome) => void;
  readonly deadline: number;
}

interface Batch {
  readonly requestId: number;
  readonly waiters: readonly Waiter[];
  readonly askedAt: number;
}

interface ConfirmedBatch {
  readonly waiters: readonly Waiter[];
  readonly readIndex: number;
}

export interface ReadOptions {
  /** The first request id. Ids of an earlier process are never used again (trap 26). */
  readonly firstRequestId: number;
  readonly maxWaiting: number;
  readonly timeoutMs: number;
  readonly resendAfterMs: number;
}

export interface ReadSource {
  readonly appliedIndex: number;
  readonly core: Pick<RaftCore, 'readIndex'>;
}

export class Reads implements Participant {
  readonly #clock: Clock;
  readonly #replica: ReadSource;
  readonly #options: ReadOptions;
  #nextRequestId: number;
  #gathering: Waiter[] = [];
  #asked: readonly Batch[] = [];
  /** Confirmed batches that wait for the state to catch up, in any order. */
  #confirmed: ConfirmedBatch[] = [];
  #waiting = 0;
  /**
   * Set after a refusal: nothing is asked until the next tick, so that a missing leader causes no busy loop.
   */
  #isHeldBack = false;

  constructor({ clock, replica }: { clock: Clock; replica: ReadSource }, options: ReadOptions) {
    this.#clock = clock;
    this.#replica = replica;
    this.#options = options;
    this.#nextRequestId = options.firstRequestId;
  }

  /** Returns false when too many wait already. */
  add(done: (outcome: ReadOutcome) => void): boolean {
    if (this.#waiting >= this.#options.maxWaiting) return false;
    this.#waiting += 1;
    this.#gathering.push({ done, deadline: this.#clock.now() + this.#options.timeoutMs });
    return true;
  }

  /** Asks for a read index for all gathered reads, unless enough requests are under way. */
  beforeRound(): void {
    if (this.#gathering.length === 0 || this.#isHeldBack) return;
    if (this.#asked.length >= MAX_REQUESTS_UNDER_WAY) return;
    const requestId = this.#nextRequestId;
    this.#nextRequestId += 1;
    const batch = { requestId, waiters: this.#gathering, askedAt: this.#clock.now() };
    this.#asked = [...this.#asked, batch];
    this.#gathering = [];
    this.#replica.core.readIndex(requestId);
  }

  onReadConfirmed(requestId: number, readIndex: number): void {
    const batch = this.#takeAsked(requestId);
    if (batch === undefined) return;
    if (readIndex <= this.#replica.appliedIndex) this.#finish(batch.waiters, { kind: 'ready' });
    else this.#confirmed.push({ waiters: batch.waiters, readIndex });
  }

  onReadRefused(requestId: number): void {
    const batch = this.#takeAsked(requestId);
    if (batch === undefined) return;
    this.#gathering.push(...batch.waiters);
    this.#isHeldBack = true;
  }

  #takeAsked(requestId: number): Batch | undefined {
    const batch = this.#asked.find((asked) => asked.requestId === requestId);
    if (batch !== undefined) this.#asked = this.#asked.filter((asked) => asked !== batch);
    return batch;
  }

  #gatherAgain(isLost: (batch: Batch) => boolean): void {
    for (const batch of this.#asked) if (isLost(batch)) this.#gathering.push(...batch.waiters);
    this.#asked = this.#asked.filter((batch) => !isLost(batch));
  }

  afterRound(): void {
    if (this.#confirmed.length === 0) return;
    const { appliedIndex } = this.#replica;
    const ready = this.#confirmed.filter((batch) => batch.readIndex <= appliedIndex);
    if (ready.length === 0) return;
    this.#confirmed = this.#confirmed.filter((batch) => batch.readIndex > appliedIndex);
    for (const batch of ready) this.#finish(batch.waiters, { kind: 'ready' });
  }

  /** The old leader may never answer its requests. */
  onNewLeader(): void {
    this.#isHeldBack = false;
    this.#gatherAgain(() => true);
  }

  onTick(): void {
    this.#isHeldBack = false;
    const now = this.#clock.now();
    this.#gatherAgain((batch) => now - batch.askedAt >= this.#options.resendAfterMs);
    const expired = this.#takeExpired(now);
    if (expired.length > 0) this.#finish(expired, { kind: 'refused', reason: 'no-leader' });
  }

  /** Includes reads whose request or answer was lost, or whose entries never arrive. */
  #takeExpired(now: number): Waiter[] {
    const isExpired = (waiter: Waiter): boolean => waiter.deadline <= now;
    const expired = this.#allWaiters().filter(isExpired);
    if (expired.length === 0) return expired;
    const unexpired = (waiters: readonly Waiter[]): Waiter[] => waiters.filter((one) => !isExpired(one));
    const unexpiredOf = <B extends ConfirmedBatch | Batch>(batches: readonly B[]): B[] =>
      batches
        .map((batch) => ({ ...batch, waiters: unexpired(batch.waiters) }))
        .filter(({ waiters }) => waiters.length > 0);
    this.#gathering = unexpired(this.#gathering);
    this.#asked = unexpiredOf(this.#asked);
    this.#confirmed = unexpiredOf(this.#confirmed);
    return expired;
  }

  #allWaiters(): Waiter[] {
    return [...this.#gathering, ...[...this.#asked, ...this.#confirmed].flatMap((batch) => batch.waiters)];
  }

  onStop(): void {
    const waiters = this.#allWaiters();
    this.#gathering = [];
    this.#asked = [];
    this.#confirmed = [];
    this.#finish(waiters, { kind: 'refused', reason: 'stopped' });
  }

  #finish(waiters: readonly Waiter[], outcome: ReadOutcome): void {
    this.#waiting -= waiters.length;
    for (const waiter of waiters) waiter.done(outcome);
  }
}
