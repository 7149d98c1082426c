// Joins and removals that were asked of this node: they go to the leader, again until it answers.
// Both are harmless when repeated.

import type { MemberChange, MemberChangeOutcome } from '../codec/peer-message.ts';
import type { Clock } from './ports.ts';

const MAX_WAITING_REQUESTS = 64;

interface Request {
  readonly change: MemberChange;
  readonly done: (outcome: MemberChangeOutcome) => void;
  readonly deadline: number;
  askedAt: number | undefined;
  /** A leader may have carried it out before its answer was lost. */
  wasAsked: boolean;
}

export class MemberRequests {
  readonly #clock: Clock;
  readonly #options: { readonly timeoutMs: number; readonly resendAfterMs: number };
  readonly #requests = new Map<number, Request>();
  #nextId: number;

  constructor(clock: Clock, options: { firstRequestId: number; timeoutMs: number; resendAfterMs: number }) {
    this.#clock = clock;
    this.#options = options;
    this.#nextId = options.firstRequestId;
  }

  /** False when too many wait. */
  add(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): boolean {
    if (this.#requests.size >= MAX_WAITING_REQUESTS) return false;
    const deadline = this.#clock.now() + this.#options.timeoutMs;
    this.#requests.set(this.#nextId, { change, done, deadline, askedAt: undefined, wasAsked: false });
    this.#nextId += 1;
    return true;
  }

  /** Hands what is due to `ask`, which says whether it went out. Called at every tick. */
  tick(ask: (requestId: number, change: MemberChange) => boolean): void {
    const now = this.#clock.now();
    for (const [requestId, request] of this.#requests) {
      if (now >= request.deadline) {
        this.#finish(requestId, request, outcomeUnheard(request));
        continue;
      }
      if (request.askedAt !== undefined && now - request.askedAt < this.#options.resendAfterMs) continue;
      if (!ask(requestId, request.change)) continue;
      if (request.askedAt !== undefined) request.wasAsked = true;
      request.askedAt = now;
    }
  }

  answered(requestId: number, outcome: MemberChangeOutcome): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    if (outcome.kind === 'no-leader') {
      // Asked again at the next tick, of whoever leads then.
      request.askedAt = undefined;
      return;
    }
    const isRepeatedRemoval = request.wasAsked && outcome.kind === 'refused' && outcome.code === 'not_found';
    if (isRepeatedRemoval) {
      this.#finish(requestId, request, { kind: 'done', leaderRaftAddress: '', role: 'removed' });
    } else this.#finish(requestId, request, outcome);
  }

  /** The leader changed before it answered: it may have begun, or even finished, the change. */
  leaderChanged(): void {
    for (const request of this.#requests.values()) {
      if (request.askedAt === undefined) continue;
      request.askedAt = undefined;
      request.wasAsked = true;
    }
  }

  stop(): void {
    for (const [requestId, request] of this.#requests) {
      this.#finish(requestId, request, outcomeUnheard(request));
    }
  }

  #finish(requestId: number, request: Request, outcome: MemberChangeOutcome): void {
    this.#requests.delete(requestId);
    request.done(outcome);
  }
}

function outcomeUnheard(request: Request): MemberChangeOutcome {
  return request.wasAsked || request.askedAt !== undefined ? { kind: 'unknown' } : { kind: 'no-leader' };
}
