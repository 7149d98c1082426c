// Commands that were proposed on this node and wait to be applied here. They go to the leader, and again to
// each new leader. The replicated sessions make sure that each is applied once.

import type { ProposalOutcome } from '../../../engine.ts';
import { MAX_PROPOSALS_A_MESSAGE } from '../../codec/message-codec.ts';
import type { ProposalOrigin, ProposalsRefused } from '../../codec/peer-message.ts';
import { encodeProposals } from '../../codec/proposal-codec.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { RaftLimits } from '../options.ts';
import type { Participant } from '../participant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Forwarding } from './forwarding.ts';
import { SequenceWindow } from './sequence-window.ts';

/** Bound on the proposals of one forwarded message, or of one append to this node's log. */
const MAX_BATCH_BYTES = 1024 * 1024;
/**
 * Bound on the span from the oldest waiting sequence to the newest, in multiples of the proposals that may
 * wait. The replicated session remembers every sequence in between, so one stuck proposal must not make it
 * grow.
 */
const MAX_SPAN_FACTOR = 4;

interface Pending {
  readonly sequence: number;
  readonly command: Uint8Array;
  readonly done: (outcome: ProposalOutcome) => void;
  readonly proposedAt: number;
  /** Undefined while the proposal waits to be sent, for the first time or again. */
  sentAt: number | undefined;
  /** Counts the sendings that a leader may have taken: those that were not refused. */
  openSendings: number;
  isSettled: boolean;
}

interface ProposalParts {
  readonly clock: Clock;
  readonly carrier: Pick<Forwarding, 'sendProposals'>;
}

export interface ProposalOptions extends RaftLimits {
  readonly server: ServerId;
  readonly boot: number;
  /** The first sequence. A late refusal for an earlier start of this process matches none of these. */
  readonly firstSequence: number;
}

export class Proposals implements Participant {
  readonly #parts: ProposalParts;
  readonly #options: ProposalOptions;
  readonly #pending: SequenceWindow<Pending>;
  #unsent: Pending[] = [];

  constructor(parts: ProposalParts, options: ProposalOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pending = new SequenceWindow(options.firstSequence);
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  /** Returns undefined when the proposal waits now, otherwise why it was refused. */
  add(command: Uint8Array, done: (outcome: ProposalOutcome) => void): 'too-busy' | 'too-large' | undefined {
    const { maxWaitingProposals, maxProposalBytes } = this.#options;
    if (this.#pending.size >= maxWaitingProposals) return 'too-busy';
    if (this.#pending.next - this.#pending.oldest >= MAX_SPAN_FACTOR * maxWaitingProposals) return 'too-busy';
    if (command.length > maxProposalBytes) return 'too-large';
    const pending: Pending = {
      sequence: this.#pending.next,
      command,
      done,
      proposedAt: this.#parts.clock.now(),
      sentAt: undefined,
      openSendings: 0,
      isSettled: false,
    };
    this.#pending.add(pending);
    this.#unsent.push(pending);
    return undefined;
  }

  /** Sends what waits, batch by batch, until a batch is not sent. */
  beforeRound(): void {
    if (this.#unsent.length === 0) return;
    this.#unsent = this.#unsent.filter((pending) => !pending.isSettled);
    while (this.#unsent.length > 0) {
      const batch = this.#nextBatch();
      const result = this.#parts.carrier.sendProposals(this.#encode(batch));
      if (result === 'not-sent') return;
      this.#unsent = this.#unsent.slice(batch.length);
      const now = this.#parts.clock.now();
      for (const pending of batch) {
        pending.sentAt = now;
        if (result === 'taken') pending.openSendings += 1;
        else this.#onRefusedSending(pending, result);
      }
    }
  }

  #nextBatch(): Pending[] {
    const batch: Pending[] = [];
    let bytes = 0;
    for (const pending of this.#unsent) {
      bytes += pending.command.length;
      if (batch.length > 0 && (bytes > MAX_BATCH_BYTES || batch.length >= MAX_PROPOSALS_A_MESSAGE)) break;
      batch.push(pending);
    }
    return batch;
  }

  #encode(batch: readonly Pending[]): Uint8Array[] {
    const { server, boot } = this.#options;
    const settledBelow = this.#pending.oldest;
    return encodeProposals(
      batch.map(({ sequence, command }) => ({ origin: { server, boot, sequence, settledBelow }, command })),
    );
  }

  /**
   * Another node refused proposals, as the leader or because it does not lead. That sending was certainly not
   * taken.
   */
  onRefused(message: ProposalsRefused): void {
    for (const sequence of message.sequences) {
      const pending = this.#pending.get(sequence);
      if (pending === undefined || pending.openSendings === 0) continue;
      pending.openSendings -= 1;
      // The proposal waits to be sent again already.
      if (pending.sentAt === undefined) continue;
      // Sent again at the next tick and not at once: two nodes that know no leader must not keep each other
      // busy.
      if (message.reason === 'not-leader') pending.sentAt = Number.NEGATIVE_INFINITY;
      else this.#onRefusedSending(pending, message.reason);
    }
  }

  /**
   * A refusal is the outcome only if no other sending may have been taken. Otherwise the outcome is awaited.
   */
  #onRefusedSending(pending: Pending, reason: 'too-busy' | 'disk-full'): void {
    if (pending.openSendings === 0) this.#settle(pending, { kind: 'refused', reason });
  }

  /** A command was applied here. Its origin may be another server, or an earlier start of this one. */
  onApplied(origin: ProposalOrigin, result: unknown): void {
    if (origin.server !== this.#options.server || origin.boot !== this.#options.boot) return;
    const pending = this.#pending.get(origin.sequence);
    if (pending !== undefined) this.#settle(pending, { kind: 'applied', result });
  }

  /** Proposals that were sent to the old leader go to the new one too. */
  onNewLeader(): void {
    this.#resend(0);
  }

  onTick(): void {
    const now = this.#parts.clock.now();
    const { leaderWaitMs, proposalTimeoutMs, resendAfterMs } = this.#options;
    for (const pending of this.#pending.values()) {
      const age = now - pending.proposedAt;
      if (pending.openSendings === 0 && age >= leaderWaitMs) {
        this.#settle(pending, { kind: 'refused', reason: 'no-leader' });
      } else if (age >= proposalTimeoutMs) this.#settle(pending, { kind: 'unknown' });
      // The oldest come first, so the rest are younger still.
      else if (age < Math.min(leaderWaitMs, proposalTimeoutMs)) break;
    }
    this.#resend(resendAfterMs);
  }

  /** Sends again what was sent at least `afterMs` ago. */
  #resend(afterMs: number): void {
    const now = this.#parts.clock.now();
    for (const pending of this.#pending.values()) {
      if (pending.sentAt === undefined || now - pending.sentAt < afterMs) continue;
      pending.sentAt = undefined;
      this.#unsent.push(pending);
    }
  }

  onStop(): void {
    for (const pending of this.#pending.values()) {
      const isOpen = pending.openSendings > 0;
      this.#settle(pending, isOpen ? { kind: 'unknown' } : { kind: 'refused', reason: 'stopped' });
    }
  }

  /** Settles once: the handler of one outcome may have settled others, for instance by stopping the node. */
  #settle(pending: Pending, outcome: ProposalOutcome): void {
    if (pending.isSettled) return;
    this.#pending.delete(pending.sequence);
    pending.isSettled = true;
    pending.done(outcome);
  }
}
