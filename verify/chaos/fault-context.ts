// Shared parts of all faults: the choice of nodes, the duration, and the counts.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Draws } from '../kit/draws.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { Violations } from '../kit/violations.ts';
import { waitFor } from '../kit/wait-for.ts';
import type { Cluster } from './cluster.ts';
import type { Observer } from './observer.ts';

/** The duration of a fault: long enough for elections, short enough for many faults. */
const MIN_FAULT_MS = 300;
const MAX_FAULT_MS = 4_000;
const LEADER_WAIT_MS = 5_000;
const WHOLE_WAIT_MS = 20_000;

/** Figures of faults beside the counts by kind. */
export interface FaultTally {
  removals: number;
  /** The time of each new incarnation from its start until all nodes have it as a voter. */
  readonly joinsMs: number[];
  /** Damaged files that a node refused to start with. */
  damageFound: number;
  /** Damaged files that a node started with. The audit confirms that the damage is harmless. */
  damageHarmless: number;
}

export class FaultContext {
  readonly cluster: Cluster;
  readonly observer: Observer;
  readonly violations: Violations;
  readonly counts = new Map<string, number>();
  readonly tally: FaultTally = { removals: 0, joinsMs: [], damageFound: 0, damageHarmless: 0 };

  constructor(cluster: Cluster, observer: Observer, violations: Violations) {
    this.cluster = cluster;
    this.observer = observer;
    this.violations = violations;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Waits for the duration of a fault. */
  async last(draws: Draws): Promise<void> {
    await sleep(draws.between(MIN_FAULT_MS, MAX_FAULT_MS));
  }

  /** Returns the leader, or any free node where no free leader is known. */
  async leader(draws: Draws): Promise<NodeProcess> {
    const seed = draws.fork();
    await this.patiently(LEADER_WAIT_MS, () => this.observer.leader !== undefined);
    const { leader } = this.observer;
    return leader !== undefined && this.cluster.isFree(leader) ? leader : seed.pick(this.cluster.freeNodes);
  }

  /** Returns a free node other than `leader`. */
  follower(leader: NodeProcess, draws: Draws): NodeProcess {
    return draws.pick(this.cluster.freeNodes.filter((node) => node !== leader));
  }

  /** Waits for a whole cluster with a leader. False: it took too long for a fault that needs one. */
  async isWhole(): Promise<boolean> {
    await this.patiently(WHOLE_WAIT_MS, () => this.cluster.isWhole && this.observer.leader !== undefined);
    return this.cluster.isWhole;
  }

  /**
   * Waits for `condition`, and goes on after `timeoutMs`: only the end of the run needs a healthy cluster.
   */
  async patiently(timeoutMs: number, condition: () => boolean): Promise<void> {
    await waitFor('a fault can go on', condition, { timeoutMs }).catch(() => undefined);
  }
}
