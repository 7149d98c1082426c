// The requests of this node that wait for the cluster: proposals, reads, joins and removals.

import type { MemberChange, MemberChangeOutcome, ProposalOutcome, ReadOutcome } from '../../../engine.ts';
import type { NodeIdentity } from '../log/durable-records.ts';
import type { OwnMembership } from '../membership/own-membership.ts';
import type { RaftOptions } from '../options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Replica } from '../replica.ts';
import type { Forwarding } from './forwarding.ts';
import { MemberRequests } from './member-requests.ts';
import { Proposals } from './proposals.ts';
import { type ReadSource, Reads } from './reads.ts';

/** Each start of a process has this many ids of its own, so that ids of different starts never meet. */
const IDS_PER_BOOT = 2 ** 32;
/** A join or removal that the leader does not answer is sent again after this. */
const RESEND_MEMBER_CHANGE_AFTER_MS = 5_000;

interface ClientRequestParts {
  readonly clock: Clock;
  readonly replica: ReadSource & Pick<Replica, 'schedule'>;
  readonly carrier: Pick<Forwarding, 'sendProposals' | 'sendMemberChange'>;
  readonly membership: Pick<OwnMembership, 'takesPart'>;
}

export class ClientRequests {
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly memberChanges: MemberRequests;
  readonly #parts: ClientRequestParts;
  #isClosed = false;

  constructor(
    parts: ClientRequestParts,
    { identity, options }: { identity: NodeIdentity; options: RaftOptions },
  ) {
    const { limits } = options;
    const { server, boots: boot } = identity;
    const firstRequestId = boot * IDS_PER_BOOT;
    this.#parts = parts;
    this.proposals = new Proposals(parts, { ...limits, server, boot, firstSequence: firstRequestId });
    this.reads = new Reads(parts, {
      firstRequestId,
      maxWaiting: limits.maxWaitingReads,
      timeoutMs: limits.leaderWaitMs,
      // A lost request is sent again before the waiting reads give up, even if an election takes longer.
      resendAfterMs: Math.min(limits.resendAfterMs, options.electionTicks * options.tickMs),
    });
    this.memberChanges = new MemberRequests(parts, {
      firstRequestId,
      timeoutMs: limits.memberChangeTimeoutMs + limits.leaderWaitMs,
      resendAfterMs: RESEND_MEMBER_CHANGE_AFTER_MS,
    });
  }

  /** Refuses requests from now on. Those that wait continue. */
  close(): void {
    this.#isClosed = true;
  }

  #refusal(): 'stopped' | 'no-leader' | undefined {
    if (this.#isClosed) return 'stopped';
    return this.#parts.membership.takesPart ? undefined : 'no-leader';
  }

  // Each of these calls `done` once, never inside the call.

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#begin(this.#refusal() ?? this.proposals.add(command, done), done);
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#begin(this.#refusal() ?? this.reads.add(done), done);
  }

  /** Lets the core look for work, or refuses. */
  #begin<Reason>(
    reason: Reason | undefined,
    done: (outcome: { readonly kind: 'refused'; readonly reason: Reason }) => void,
  ): void {
    if (reason === undefined) this.#parts.replica.schedule();
    else this.#parts.clock.soon(() => done({ kind: 'refused', reason }));
  }

  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    const answer = (outcome: MemberChangeOutcome): void => this.#parts.clock.soon(() => done(outcome));
    if (this.#refusal() !== undefined) answer({ kind: 'no-leader' });
    else if (this.memberChanges.add(change, done)) this.#parts.replica.schedule();
    else {
      const message = 'too many joins and removals are waiting; try again in a few seconds';
      answer({ kind: 'refused', code: 'too_busy', message });
    }
  }
}
