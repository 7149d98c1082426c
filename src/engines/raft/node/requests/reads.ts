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

/** Reads that share one request. */
interface Batch {
  readonly requestId: number;
  readonly askedAt: number;
  waiters: readonly Waiter[];
  /** The index that the state must reach; undefined until the request is confirmed. */
  readIndex: number | undefined;
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

interface ReadParts {
  readonly clock: Clock;
  readonly replica: ReadSource;
}

export class Reads implements Participant {
  readonly #parts: ReadParts;
  readonly #options: ReadOptions;
  #nextRequestId: number;
  #gathering: Waiter[] = [];
  /** Asked, or confirmed and waiting for the state to catch up. Each has waiters. */
  #batches: Batch[] = [];
  #waiting = 0;
  /**
   * Set after a refusal: nothing is asked until the next tick, so that a missing leader causes no busy loop.
   */
  #isHeldBack = false;

  constructor(parts: ReadParts, options: ReadOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#nextRequestId = options.firstRequestId;
  }

  /** Returns undefined when the read waits now, otherwise why it was refused. */
  add(done: (outcome: ReadOutcome) => void): 'too-busy' | undefined {
    if (this.#waiting >= this.#options.maxWaiting) return 'too-busy';
    this.#waiting += 1;
    this.#gathering.push({ done, deadline: this.#parts.clock.now() + this.#options.timeoutMs });
    return undefined;
  }

  /** Asks for a read index for all gathered reads, unless enough requests are under way. */
  beforeRound(): void {
    if (this.#gathering.length === 0 || this.#isHeldBack) return;
    if (this.#batches.filter(isAsked).length >= MAX_REQUESTS_UNDER_WAY) return;
    const { clock, replica } = this.#parts;
    const requestId = this.#nextRequestId;
    this.#nextRequestId += 1;
    this.#batches.push({ requestId, askedAt: clock.now(), waiters: this.#gathering, readIndex: undefined });
    this.#gathering = [];
    replica.core.readIndex(requestId);
  }

  /** The reads of the request are served after this round, if the state has reached `readIndex` then. */
  onReadConfirmed(requestId: number, readIndex: number): void {
    const batch = this.#batches.find((one) => isAsked(one) && one.requestId === requestId);
    if (batch !== undefined) batch.readIndex = readIndex;
  }

  onReadRefused(requestId: number): void {
    const waiters = this.#take((batch) => isAsked(batch) && batch.requestId === requestId);
    if (waiters.length === 0) return;
    this.#gathering.push(...waiters);
    this.#isHeldBack = true;
  }

  /** Takes out batches, and returns their waiters. */
  #take(isTaken: (batch: Batch) => boolean): Waiter[] {
    const taken = this.#batches.filter(isTaken);
    if (taken.length > 0) this.#batches = this.#batches.filter((batch) => !taken.includes(batch));
    return taken.flatMap(({ waiters }) => waiters);
  }

  afterRound(): void {
    const { appliedIndex } = this.#parts.replica;
    const isWaiting = ({ readIndex }: Batch): boolean => readIndex === undefined || readIndex > appliedIndex;
    // Most rounds serve no read.
    if (this.#batches.every(isWaiting)) return;
    const ready = this.#batches.filter((batch) => !isWaiting(batch));
    this.#batches = this.#batches.filter(isWaiting);
    for (const { waiters } of ready) this.#finish(waiters, { kind: 'ready' });
  }

  /** The old leader may never answer its requests. */
  onNewLeader(): void {
    this.#isHeldBack = false;
    this.#gathering.push(...this.#take(isAsked));
  }

  onTick(): void {
    this.#isHeldBack = false;
    const now = this.#parts.clock.now();
    const isLost = (batch: Batch): boolean => now - batch.askedAt >= this.#options.resendAfterMs;
    this.#gathering.push(...this.#take((batch) => isAsked(batch) && isLost(batch)));
    this.#finish(this.#takeExpired(now), { kind: 'refused', reason: 'no-leader' });
  }

  /** Includes reads whose request or answer was lost, or whose entries never arrive. */
  #takeExpired(now: number): Waiter[] {
    const waiters = [...this.#gathering, ...this.#batches.flatMap((batch) => batch.waiters)];
    const isWaiting = ({ deadline }: Waiter): boolean => deadline > now;
    if (waiters.every(isWaiting)) return [];
    this.#gathering = this.#gathering.filter(isWaiting);
    for (const batch of this.#batches) batch.waiters = batch.waiters.filter(isWaiting);
    this.#batches = this.#batches.filter((batch) => batch.waiters.length > 0);
    return waiters.filter((waiter) => !isWaiting(waiter));
  }

  onStop(): void {
    const waiters = [...this.#gathering, ...this.#take(() => true)];
    this.#gathering = [];
    this.#finish(waiters, { kind: 'refused', reason: 'stopped' });
  }

  #finish(waiters: readonly Waiter[], outcome: ReadOutcome): void {
    this.#waiting -= waiters.length;
    for (const waiter of waiters) waiter.done(outcome);
  }
}

function isAsked(batch: Batch): boolean {
  return batch.readIndex === undefined;
}
