// Tells the core to stand for election early when no server can be leading: after a start of the whole
// cluster, and when the leader's process died. Otherwise each would wait for an election timeout.

import { type ServerId, voters } from '../core/configuration.ts';
import { majority } from '../core/quorum.ts';
import type { RaftCore } from '../core/raft-core.ts';
import type { Peers } from './membership/peers.ts';
import type { Participant } from './participant.ts';

/** A split vote is repeated until this many attempts were made. Then ordinary timeouts take over. */
const MAX_ATTEMPTS = 3;

/**
 * Asks the core to stand soon, until a leader is known: from when a majority hear each other after a start,
 * and again when the leader's process is gone.
 */
export class ElectionHints implements Participant {
  readonly #core: RaftCore;
  readonly #peers: Peers;
  readonly #self: ServerId;
  readonly #electionTicks: number;
  /** How long the votes of one attempt may take: less than a timeout, and enough on a busy disk. */
  readonly #voteTicks: number;
  #attempts = 0;
  #waitTicks = 0;
  /** The core's term at the last tick. */
  #term: number;

  constructor(parts: { core: RaftCore; peers: Peers }, options: { self: ServerId; electionTicks: number }) {
    this.#core = parts.core;
    this.#peers = parts.peers;
    this.#self = options.self;
    this.#term = parts.core.term;
    this.#electionTicks = options.electionTicks;
    this.#voteTicks = Math.ceil(options.electionTicks / 2);
  }

  /**
   * The host of `server` refused a connection, so its process is gone. If it led, this is the first attempt.
   */
  onProcessGone(server: ServerId): void {
    const standTicks = this.#core.suspectLeader(server);
    if (standTicks === undefined) return;
    this.#attempts = 1;
    this.#term = this.#core.term;
    this.#waitTicks = standTicks + this.#voteTicks;
  }

  onTick(): void {
    if (this.#attempts >= MAX_ATTEMPTS) return;
    if (this.#core.leader !== undefined) {
      this.#attempts = MAX_ATTEMPTS;
      return;
    }
    this.#giveTimeToVote();
    if (this.#waitTicks > 0) {
      this.#waitTicks -= 1;
      return;
    }
    const all = voters(this.#core.configuration);
    // The voters that this one both reaches and hears, itself among them, in the order of ids.
    const there = all.filter(
      (server) => server === this.#self || (this.#peers.connected.has(server) && this.#peers.isAlive(server)),
    );
    const place = there.indexOf(this.#self);
    if (place === -1 || there.length < majority(all.length)) return;
    // The first attempt goes in the order of ids, so that one server stands at a time. A server with a short
    // log or a slow disk may spoil that, so later attempts are random.
    const standTicks = this.#core.standSoon(this.#attempts === 0 ? place : undefined);
    if (standTicks === undefined) return;
    this.#attempts += 1;
    this.#waitTicks = standTicks + this.#voteTicks;
  }

  /**
   * The candidate this server voted for needs one more disk write before it can announce that it won. With a
   * slow disk that takes longer than an attempt. Standing against it would end each attempt with the next.
   */
  #giveTimeToVote(): void {
    const { term, votedFor } = this.#core;
    if (term === this.#term) return;
    this.#term = term;
    if (votedFor === undefined || votedFor === this.#self) return;
    this.#waitTicks = Math.max(this.#waitTicks, this.#electionTicks);
  }
}
