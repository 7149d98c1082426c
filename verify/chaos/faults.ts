// Draws from the seed which faults happen, when, and in which combinations.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Draws } from '../kit/draws.ts';
import type { Violations } from '../kit/violations.ts';
import type { Cluster } from './cluster.ts';
import { FaultContext } from './fault-context.ts';
import { injectFullDisk } from './full-disk-faults.ts';
import { injectLostDisk } from './lost-disk-faults.ts';
import { injectMemberFault } from './member-faults.ts';
import { injectNetworkFault } from './network-faults.ts';
import type { Observer } from './observer.ts';
import { injectProcessFault } from './process-faults.ts';

const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 3_000;
/** The chance that a fault waits for a whole cluster. The others hit a cluster that still recovers. */
const WHOLE_CHANCE = 0.75;
const WHOLE_WAIT_MS = 10_000;
/** A second fault begins up to this long after the first. */
const MAX_HEAD_START_MS = 1_500;

const SUBJECTS = {
  process: injectProcessFault,
  network: injectNetworkFault,
  'full disk': injectFullDisk,
  'lost disk': injectLostDisk,
  member: injectMemberFault,
};
type Subject = keyof typeof SUBJECTS;
/**
 * Subjects alone and together, by weight. No process is killed while a disk is full: it would not start again
 * before there is room. The last two subjects never come together: a majority must keep its disks.
 */
const MIXES = {
  process: 5,
  network: 5,
  'process, network': 4,
  'full disk': 2,
  'full disk, network': 1,
  'lost disk': 2,
  'lost disk, network': 1,
  'lost disk, process': 1,
  member: 1,
  'member, network': 1,
  'member, process': 1,
};

export class Faults {
  readonly #context: FaultContext;
  readonly #draws: Draws;

  constructor(parts: { cluster: Cluster; observer: Observer; violations: Violations; draws: Draws }) {
    this.#context = new FaultContext(parts.cluster, parts.observer, parts.violations);
    this.#draws = parts.draws;
  }

  get counts(): FaultContext['counts'] {
    return this.#context.counts;
  }

  get tally(): FaultContext['tally'] {
    return this.#context.tally;
  }

  /**
   * Injects one mix after the other for `durationMs`. Afterwards no fault is in effect; nodes may still
   * recover.
   */
  async run(durationMs: number): Promise<void> {
    const { cluster, violations } = this.#context;
    const deadline = performance.now() + durationMs;
    while (performance.now() < deadline) {
      await sleep(this.#draws.between(MIN_PAUSE_MS, MAX_PAUSE_MS));
      if (this.#draws.chance(WHOLE_CHANCE)) {
        await this.#context.patiently(WHOLE_WAIT_MS, () => cluster.isWhole);
      }
      await this.#injectMix(this.#drawMix());
      // A node without its vote is not hit again, so later faults would prove less and less.
      if (violations.found.some(({ property }) => property === 'membership')) return;
    }
  }

  #drawMix(): Subject[] {
    const { disks } = this.#context.cluster;
    const possible = Object.entries(MIXES).filter(([mix]) => disks.areSmall || !mix.includes('full disk'));
    return this.#draws.weighted(Object.fromEntries(possible)).split(', ') as Subject[];
  }

  async #injectMix(mix: readonly Subject[]): Promise<void> {
    await Promise.all(
      mix.map(async (subject, at) => {
        const draws = this.#draws.fork();
        if (at > 0) await sleep(draws.between(0, MAX_HEAD_START_MS));
        await SUBJECTS[subject](this.#context, draws);
      }),
    );
  }
}
