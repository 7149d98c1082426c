// What goes wrong, drawn from the seed: which fault comes when, whom it hits, and how long it lasts.

import { setTimeout as sleep } from 'node:timers/promises';
import { unreachable } from '../src/shared/assert.ts';
import type { Draws } from '../src/sim/draws.ts';
import type { NodeProcess } from '../test/support/node-process.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Cluster } from './cluster.ts';
import type { Observer } from './observer.ts';

const PROCESS_FAULTS = {
  'kill -9 of the leader': 4,
  'kill -9 of a follower': 3,
  'kill -9 of a majority': 2,
  'kill -9 of all': 2,
  'SIGSTOP of the leader': 3,
  'SIGSTOP of a follower': 2,
  'rolling restart': 1,
};
const NETWORK_FAULTS = {
  'leader cut off': 3,
  'follower cut off': 2,
  'leader cannot send': 2,
  'leader cannot receive': 2,
  'follower cannot send': 1,
  'two nodes cut from each other': 2,
  'majority and minority parted': 2,
};

export type ProcessFault = keyof typeof PROCESS_FAULTS;
export type NetworkFault = keyof typeof NETWORK_FAULTS;
export type FaultKind = ProcessFault | NetworkFault;

/** Long enough for elections, short enough for many. */
const MIN_FAULT_MS = 300;
const MAX_FAULT_MS = 4_000;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 3_000;
/** Most faults meet a cluster that is whole again, the others one that still recovers. */
const WHOLE_CHANCE = 0.75;
/** Process faults, network faults, or one of each at a time. */
const SHAPES = { process: 5, network: 4, both: 3 };
const LEADER_WAIT_MS = 5_000;
const RESTART_WAIT_MS = 10_000;

export class Faults {
  readonly #cluster: Cluster;
  readonly #observer: Observer;
  readonly #draws: Draws;
  readonly counts = new Map<FaultKind, number>();

  constructor(cluster: Cluster, observer: Observer, draws: Draws) {
    this.#cluster = cluster;
    this.#observer = observer;
    this.#draws = draws;
  }

  /** One fault after the other, for so long. When it settles everything is mended, if not yet well. */
  async run(durationMs: number): Promise<void> {
    const deadline = performance.now() + durationMs;
    while (performance.now() < deadline) {
      await sleep(this.#draws.between(MIN_PAUSE_MS, MAX_PAUSE_MS));
      if (this.#draws.chance(WHOLE_CHANCE)) {
        await this.#patiently(RESTART_WAIT_MS, () => this.#cluster.isWhole);
      }
      const shape = this.#draws.weighted(SHAPES);
      const processFault = this.#draws.weighted(PROCESS_FAULTS);
      const networkFault = this.#draws.weighted(NETWORK_FAULTS);
      const [processDraws, networkDraws] = [this.#draws.fork(), this.#draws.fork()];
      await Promise.all([
        shape === 'network' ? undefined : this.#injectProcessFault(processFault, processDraws),
        shape === 'process' ? undefined : this.#injectNetworkFault(networkFault, networkDraws),
      ]);
    }
  }

  async #injectProcessFault(kind: ProcessFault, draws: Draws): Promise<void> {
    const { nodes, majority } = this.#cluster;
    const leader = await this.#leader(draws);
    this.#count(kind);
    switch (kind) {
      case 'kill -9 of the leader':
        return this.#kill([leader], draws);
      case 'kill -9 of a follower':
        return this.#kill([this.#follower(leader, draws)], draws);
      case 'kill -9 of a majority':
        return this.#kill(draws.sample(nodes, majority), draws);
      case 'kill -9 of all':
        return this.#kill(nodes, draws);
      case 'SIGSTOP of the leader':
        return this.#pause(leader, draws);
      case 'SIGSTOP of a follower':
        return this.#pause(this.#follower(leader, draws), draws);
      case 'rolling restart':
        return this.#restartEach();
      default:
        return unreachable(kind);
    }
  }

  async #injectNetworkFault(kind: NetworkFault, draws: Draws): Promise<void> {
    const { nodes, majority } = this.#cluster;
    const leader = await this.#leader(draws);
    const follower = this.#follower(leader, draws);
    const without = (node: NodeProcess): NodeProcess[] => nodes.filter((other) => other !== node);
    this.#count(kind);
    switch (kind) {
      case 'leader cut off':
        await this.#part([leader], without(leader));
        break;
      case 'follower cut off':
        await this.#part([follower], without(follower));
        break;
      case 'leader cannot send':
        await this.#cut([leader], without(leader));
        break;
      case 'leader cannot receive':
        await this.#cut(without(leader), [leader]);
        break;
      case 'follower cannot send':
        await this.#cut([follower], without(follower));
        break;
      case 'two nodes cut from each other':
        await this.#part([leader], [follower]);
        break;
      case 'majority and minority parted': {
        const major = draws.sample(nodes, majority);
        await this.#part(
          major,
          nodes.filter((node) => !major.includes(node)),
        );
        break;
      }
      default:
        unreachable(kind);
    }
    await sleep(draws.between(MIN_FAULT_MS, MAX_FAULT_MS));
    await this.#cluster.mendAll();
  }

  /** All at the same time; each comes back after a while of its own. */
  async #kill(nodes: readonly NodeProcess[], draws: Draws): Promise<void> {
    await Promise.all(nodes.map((node) => this.#cluster.kill(node)));
    await Promise.all(
      nodes.map(async (node) => {
        await sleep(draws.between(MIN_FAULT_MS, MAX_FAULT_MS));
        this.#cluster.start(node);
      }),
    );
  }

  async #pause(node: NodeProcess, draws: Draws): Promise<void> {
    this.#cluster.pause(node);
    await sleep(draws.between(MIN_FAULT_MS, MAX_FAULT_MS));
    this.#cluster.resume(node);
  }

  /** The next node ends only when this one answers again, or has had time enough. */
  async #restartEach(): Promise<void> {
    for (const node of this.#cluster.nodes) {
      await this.#cluster.stop(node);
      this.#cluster.start(node);
      await this.#patiently(RESTART_WAIT_MS, () => this.#cluster.works(node));
      await this.#patiently(LEADER_WAIT_MS, () => this.#observer.leader !== undefined);
    }
  }

  async #part(some: readonly NodeProcess[], others: readonly NodeProcess[]): Promise<void> {
    await this.#cut(some, others);
    await this.#cut(others, some);
  }

  async #cut(senders: readonly NodeProcess[], receivers: readonly NodeProcess[]): Promise<void> {
    for (const from of senders) for (const to of receivers) await this.#cluster.cut(from, to);
  }

  /** Any node, where nobody leads. */
  async #leader(draws: Draws): Promise<NodeProcess> {
    const substitute = draws.pick(this.#cluster.nodes);
    await this.#patiently(LEADER_WAIT_MS, () => this.#observer.leader !== undefined);
    return this.#observer.leader ?? substitute;
  }

  #follower(leader: NodeProcess, draws: Draws): NodeProcess {
    return draws.pick(this.#cluster.nodes.filter((node) => node !== leader));
  }

  /** Goes on when the time is over: at the end of the run everything must be well, not here. */
  async #patiently(timeoutMs: number, condition: () => boolean): Promise<void> {
    await waitFor('a fault can go on', condition, { timeoutMs }).catch(() => undefined);
  }

  #count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
