// Nodes that were all killed and start again need not wait a whole election time-out: nobody can lead them.

import { isVoter, type ServerId, voters } from '../raft/configuration.ts';
import { quorumValue } from '../raft/quorum.ts';
import type { RaftCore } from '../raft/raft-core.ts';
import type { Peers } from './peers.ts';

/** A split vote is repeated this often before ordinary time-outs take over. */
const MAX_ATTEMPTS = 3;

/** Asks the core to stand soon, from the moment on when a majority hears each other, until any leader is known. */
export class FirstElection {
  readonly #core: RaftCore;
  readonly #peers: Peers;
  readonly #self: ServerId;
  /** What one attempt may take. Less than a time-out, and enough for a vote on a busy disk. */
  readonly #attemptTicks: number;
  #attempts = 0;
  #waitTicks = 0;

  constructor(parts: { core: RaftCore; peers: Peers }, options: { self: ServerId; electionTicks: number }) {
    this.#core = parts.core;
    this.#peers = parts.peers;
    this.#self = options.self;
    this.#attemptTicks = Math.ceil(options.electionTicks / 2);
  }

  tick(): void {
    if (this.#attempts >= MAX_ATTEMPTS) return;
    if (this.#core.leader !== undefined) {
      this.#attempts = MAX_ATTEMPTS;
      return;
    }
    if (this.#waitTicks > 0) {
      this.#waitTicks -= 1;
      return;
    }
    if (!this.#isWithMajority()) return;
    this.#attempts += 1;
    this.#waitTicks = this.#attemptTicks;
    this.#core.standSoon();
  }

  /** Whether this voter and those that it both reaches and hears could elect somebody. */
  #isWithMajority(): boolean {
    const { configuration } = this.#core;
    if (!isVoter(configuration, this.#self)) return false;
    const isThere = (server: ServerId): boolean =>
      server === this.#self || (this.#peers.isConnected(server) && this.#peers.isAlive(server));
    return quorumValue(voters(configuration), (server) => (isThere(server) ? 1 : 0)) === 1;
  }
}
