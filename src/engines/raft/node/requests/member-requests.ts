// Joins and removals that this node was asked for. They go to the leader, again and again until it answers.
// Repeating either does no harm.

import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Forwarding } from './forwarding.ts';

const MAX_WAITING_REQUESTS = 64;

interface Request {
  readonly change: MemberChange;
  readonly done: (outcome: MemberChangeOutcome) => void;
  readonly deadline: number;
  askedAt: number | undefined;
  /** A leader may have carried it out: its answer was lost, or it lost leadership. */
  mayHaveBegun: boolean;
}

interface MemberRequestParts {
  readonly clock: Clock;
  readonly carrier: Pick<Forwarding, 'sendMemberChange'>;
}

export class MemberRequests implements Participant {
  readonly #parts: MemberRequestParts;
  readonly #options: { readonly timeoutMs: number; readonly resendAfterMs: number };
  readonly #requests = new Map<number, Request>();
  #nextId: number;

  constructor(
    parts: MemberRequestParts,
    options: { firstRequestId: number; timeoutMs: number; resendAfterMs: number },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#nextId = options.firstRequestId;
  }

  /** Returns false when too many wait. */
  add(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): boolean {
    if (this.#requests.size >= MAX_WAITING_REQUESTS) return false;
    const deadline = this.#parts.clock.now() + this.#options.timeoutMs;
    this.#requests.set(this.#nextId, { change, done, deadline, askedAt: undefined, mayHaveBegun: false });
    this.#nextId += 1;
    return true;
  }

  /** Sends the requests that are due. */
  onTick(): void {
    const { clock, carrier } = this.#parts;
    const now = clock.now();
    for (const [requestId, request] of this.#requests) {
      if (now >= request.deadline) {
        this.#finish(requestId, request, outcomeUnheard(request));
        continue;
      }
      const { askedAt, change } = request;
      if (askedAt !== undefined && now - askedAt < this.#options.resendAfterMs) continue;
      // Set before the call, which may answer.
      request.askedAt = now;
      const isSent = carrier.sendMemberChange(requestId, change, (outcome) =>
        this.onAnswer(requestId, outcome),
      );
      if (!isSent) request.askedAt = askedAt;
      else if (askedAt !== undefined) request.mayHaveBegun = true;
    }
  }

  onAnswer(requestId: number, outcome: MemberChangeOutcome): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    if (outcome.kind === 'no-leader' || outcome.kind === 'unknown') {
      // Sent again at the next tick, to the leader of that time.
      request.askedAt = undefined;
      if (outcome.kind === 'unknown') request.mayHaveBegun = true;
    } else if (request.mayHaveBegun && outcome.kind === 'refused' && outcome.code === 'not_found') {
      // An earlier sending of this removal was carried out.
      this.#finish(requestId, request, { kind: 'done', leaderAddress: '', role: 'removed' });
    } else this.#finish(requestId, request, outcome);
  }

  /** The old leader may have begun or even finished the changes that it did not answer. */
  onNewLeader(): void {
    for (const request of this.#requests.values()) {
      if (request.askedAt === undefined) continue;
      request.askedAt = undefined;
      request.mayHaveBegun = true;
    }
  }

  onStop(): void {
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
  return request.mayHaveBegun || request.askedAt !== undefined ? { kind: 'unknown' } : { kind: 'no-leader' };
}
