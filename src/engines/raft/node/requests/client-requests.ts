// What was asked of this node and waits for the cluster: proposals, reads, joins and removals.

import type { MemberChange, MemberChangeOutcome, ProposalOutcome, ReadOutcome } from '../../../engine.ts';
import type { NodeIdentity } from '../log/durable-records.ts';
import type { NodeOptions } from '../options.ts';
import type { Clock } from '../ports/clock.ts';
import { MemberRequests } from './member-requests.ts';
import { Proposals } from './proposals.ts';
import { Reads } from './reads.ts';

/** Ids of different starts of one process never meet: each start has this many of its own. */
const IDS_PER_BOOT = 2 ** 32;
/** A join or a removal that a leader does not answer is sent again after this. */
const RESEND_MEMBER_CHANGE_AFTER_MS = 5_000;

export interface ClientRequestHandlers {
  /** Why nothing is taken now; undefined when it is. */
  refusal(): 'stopped' | 'no-leader' | undefined;
  /** Something waits that did not before. */
  onAdded(): void;
}

export class ClientRequests {
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly memberChanges: MemberRequests;
  readonly #clock: Clock;
  readonly #handlers: ClientRequestHandlers;

  constructor(
    clock: Clock,
    { identity, options }: { identity: NodeIdentity; options: NodeOptions },
    handlers: ClientRequestHandlers,
  ) {
    const { limits } = options;
    const { server, boots } = identity;
    this.#clock = clock;
    this.#handlers = handlers;
    this.proposals = new Proposals(clock, {
      server,
      boot: boots,
      firstSequence: boots * IDS_PER_BOOT,
      maxWaiting: limits.maxWaitingProposals,
      maxBytes: limits.maxProposalBytes,
      leaderWaitMs: limits.leaderWaitMs,
      timeoutMs: limits.proposalTimeoutMs,
      resendAfterMs: limits.resendAfterMs,
    });
    this.reads = new Reads(clock, {
      firstRequestId: boots * IDS_PER_BOOT,
      maxWaiting: limits.maxWaitingReads,
      timeoutMs: limits.leaderWaitMs,
      // Before those who wait give up, also where an election may take longer.
      resendAfterMs: Math.min(limits.resendAfterMs, options.electionTicks * options.tickMs),
    });
    this.memberChanges = new MemberRequests(clock, {
      firstRequestId: boots * IDS_PER_BOOT,
      timeoutMs: limits.memberChangeTimeoutMs + limits.leaderWaitMs,
      resendAfterMs: RESEND_MEMBER_CHANGE_AFTER_MS,
    });
  }

  // Each calls `done` once, never inside the call.

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    const reason = this.#handlers.refusal() ?? this.proposals.add(command, done);
    if (reason === undefined) this.#handlers.onAdded();
    else this.#clock.soon(() => done({ kind: 'refused', reason }));
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    const reason = this.#handlers.refusal() ?? (this.reads.add(done) ? undefined : 'too-busy');
    if (reason === undefined) this.#handlers.onAdded();
    else this.#clock.soon(() => done({ kind: 'refused', reason }));
  }

  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    const answer = (outcome: MemberChangeOutcome): void => this.#clock.soon(() => done(outcome));
    if (this.#handlers.refusal() !== undefined) answer({ kind: 'no-leader' });
    else if (this.memberChanges.add(change, done)) this.#handlers.onAdded();
    else {
      const message = 'too many joins and removals are waiting; try again in a few seconds';
      answer({ kind: 'refused', code: 'too_busy', message });
    }
  }

  /** Somebody else leads, or the same in another term: what was asked of the old leader is asked again. */
  leaderChanged(): void {
    this.proposals.leaderChanged();
    this.reads.leaderChanged();
    this.memberChanges.leaderChanged();
  }

  tick(askMemberChange: (requestId: number, change: MemberChange) => boolean): void {
    this.proposals.tick();
    this.reads.tick();
    this.memberChanges.tick(askMemberChange);
  }

  /** Everything that waits is answered now. */
  stop(): void {
    this.proposals.stop();
    this.reads.stop();
    this.memberChanges.stop();
  }
}
