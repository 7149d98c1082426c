// Hints to the core when nobody can be leading: nodes that were all killed and start again, and the others when a
// leader's process has died, need not wait a whole election time-out, nor a second one when they split their votes.

import { isVoter, type ServerId, voters } from '../core/configuration.ts';
import { quorumValue } from '../core/quorum.ts';
import type { RaftCore } from '../core/raft-core.ts';
import type { Peers } from './membership/peers.ts';
import type { Participant } from './participant.ts';

/** A split vote is repeated until this many attempts were made; then ordinary time-outs take over. */
const MAX_ATTEMPTS = 3;

/**
 * Asks the core to stand soon, until any leader is known: from the moment on when a majority hears each other after the
 * start, and again when a leader's process is gone.
 */
export class ElectionHints implements Participant {
  readonly #core: RaftCore;
  readonly #peers: Peers;
  readonly #self: ServerId;
  readonly #electionTicks: number;
  /** What the votes of one attempt may take, from when all stand: less than a time-out, and enough on a busy disk. */
  readonly #voteTicks: number;
  #attempts = 0;
  #waitTicks = 0;
  /** Of the core, when this was told of it last. */
  #term: number;

  constructor(parts: { core: RaftCore; peers: Peers }, options: { self: ServerId; electionTicks: number }) {
    this.#core = parts.core;
    this.#peers = parts.peers;
    this.#self = options.self;
    this.#term = parts.core.term;
    this.#electionTicks = options.electionTicks;
    this.#voteTicks = Math.ceil(options.electionTicks / 2);
  }

  /** The host of `server` refused a connection: its process is gone. When it led, this is the first attempt. */
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
    if (!this.#isWithMajority()) return;
    // One after the other at first. Whose log is too short, or whose disk too slow for that, may spoil it: then by chance.
    const place = this.#attempts === 0 ? this.#place() : undefined;
    const standTicks = this.#core.standSoon(place);
    if (standTicks === undefined) return;
    this.#attempts += 1;
    this.#waitTicks = standTicks + this.#voteTicks;
  }

  /**
   * Whom this server voted for needs a second write of the disk to win, and to be heard. A slow one takes longer than an attempt,
   * and to stand against the candidate then would have every attempt end the one before.
   */
  #giveTimeToVote(): void {
    const { term, votedFor } = this.#core;
    if (term === this.#term) return;
    this.#term = term;
    if (votedFor === undefined || votedFor === this.#self) return;
    this.#waitTicks = Math.max(this.#waitTicks, this.#electionTicks);
  }

  /** Whether this voter and those that it both reaches and hears could elect somebody. */
  #isWithMajority(): boolean {
    const { configuration } = this.#core;
    if (!isVoter(configuration, this.#self)) return false;
    return quorumValue(voters(configuration), (server) => (this.#isThere(server) ? 1 : 0)) === 1;
  }

  /** How many voters that are there come before this one in the order of ids. */
  #place(): number {
    const others = voters(this.#core.configuration);
    return others.filter((server) => server < this.#self && this.#isThere(server)).length;
  }

  #isThere(server: ServerId): boolean {
    return server === this.#self || (this.#peers.isConnected(server) && this.#peers.isAlive(server));
  }
}
