// What every kind of fault needs: whom it may hit, and where it is counted.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import type { Violations } from '../sim/checkers/violations.ts';
import type { Draws } from '../sim/draws.ts';
import type { Cluster } from './cluster.ts';
import type { Observer } from './observer.ts';

/** Long enough for elections, short enough for many. */
const MIN_FAULT_MS = 300;
const MAX_FAULT_MS = 4_000;
const LEADER_WAIT_MS = 5_000;
const WHOLE_WAIT_MS = 20_000;

/** What faults did beside being counted by kind. */
export interface FaultTally {
  removals: number;
  /** For each new incarnation, from its start until all nodes had it as a voter. */
  readonly joinsMs: number[];
  /** Damaged files that a node refused to start with. */
  damageFound: number;
  /** Damaged files that a node started with: what was changed means nothing, as the audit confirms. */
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

  /** As long as a fault takes. */
  async last(draws: Draws): Promise<void> {
    await sleep(draws.between(MIN_FAULT_MS, MAX_FAULT_MS));
  }

  /** Any node that no other fault has in hand, where nobody leads. */
  async leader(draws: Draws): Promise<NodeProcess> {
    const seed = draws.fork();
    await this.patiently(LEADER_WAIT_MS, () => this.observer.leader !== undefined);
    const { leader } = this.observer;
    return leader !== undefined && this.cluster.isFree(leader) ? leader : seed.pick(this.cluster.freeNodes);
  }

  /** One that no other fault has in hand. */
  follower(leader: NodeProcess, draws: Draws): NodeProcess {
    return draws.pick(this.cluster.freeNodes.filter((node) => node !== leader));
  }

  /** False: it took too long for a fault that only a whole cluster is promised to survive. */
  async isWhole(): Promise<boolean> {
    await this.patiently(WHOLE_WAIT_MS, () => this.cluster.isWhole && this.observer.leader !== undefined);
    return this.cluster.isWhole;
  }

  /** Goes on when the time is over: at the end of the run everything must be well, not here. */
  async patiently(timeoutMs: number, condition: () => boolean): Promise<void> {
    await waitFor('a fault can go on', condition, { timeoutMs }).catch(() => undefined);
  }
}
