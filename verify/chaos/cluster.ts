// The nodes, and their state as the run has changed it: running, paused, with a full disk, or without a vote.

import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { MAIN, NodeProcess, type ProcessEnd } from '../kit/node-process.ts';
import type { Disks } from './disks.ts';
import { Links } from './links.ts';
import type { ChaosNetwork } from './network.ts';

/** Tiny, so that logs are compacted and snapshots are sent all the time. */
const COMPACT_AFTER_ENTRIES = '300';
const LIMITS = ['-compact-after', COMPACT_AFTER_ENTRIES, '-console-level', 'warn', '-file-level', 'info'];

interface ClusterOptions {
  readonly network: ChaosNetwork;
  readonly disks: Disks;
  /** The run's directory, for the logs of the nodes. */
  readonly directory: string;
  /** The built program. */
  readonly main?: string;
}

export class Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly links: Links;
  readonly disks: Disks;
  /** Nodes that must be running: the run has started them and not ended them. */
  readonly #wanted = new Set<NodeProcess>();
  /** Nodes that have answered since their last start. */
  readonly #ready = new Set<NodeProcess>();
  readonly #paused = new Set<NodeProcess>();
  readonly #full = new Set<NodeProcess>();
  /** Nodes that may have lost their vote in a fault. No other fault may hit them. */
  readonly #unsettled = new Set<NodeProcess>();
  #isFounded = false;
  #isOver = false;
  /** Called after every change of the cluster's state. */
  onChange: () => void = () => {};

  constructor({ network, disks, directory, main = MAIN }: ClusterOptions) {
    this.links = new Links(network, () => this.onChange());
    this.disks = disks;
    this.nodes = network.places.map((place) => {
      const [program = '', ...args] = [...place.runner, process.execPath, ...NODE_FLAGS, main];
      return new NodeProcess({
        ...place,
        data: disks.dataOf(place.id),
        logs: `${directory}/logs`,
        flags: [...place.flags, ...LIMITS],
        command: [program, ...args],
      });
    });
  }

  /** The majority of all nodes. It is large enough also while one of them is no voter. */
  get majority(): number {
    return Math.floor(this.nodes.length / 2) + 1;
  }

  // ------------------------------------------------------------ state

  /** Whether the node should answer requests. */
  responds(node: NodeProcess): boolean {
    return this.#ready.has(node) && !this.#paused.has(node) && node.isRunning;
  }

  /** Whether the node should answer, has its vote, and can write. */
  works(node: NodeProcess): boolean {
    return this.responds(node) && !this.#full.has(node) && !this.#unsettled.has(node);
  }

  /** Whether another fault may hit the node. */
  isFree(node: NodeProcess): boolean {
    return !this.#unsettled.has(node);
  }

  get freeNodes(): NodeProcess[] {
    return this.nodes.filter((node) => this.isFree(node));
  }

  /** Called for each answer of a node: a started node is ready with its first answer. */
  answered(node: NodeProcess): void {
    if (!this.#wanted.has(node) || this.#ready.has(node)) return;
    this.#ready.add(node);
    this.onChange();
  }

  /** A node that ended by itself. */
  get fallen(): NodeProcess | undefined {
    return [...this.#wanted].find((node) => !node.isRunning);
  }

  /** Whether no fault is in effect: all nodes work, and all links are good. */
  get isWhole(): boolean {
    return this.links.areGood && this.nodes.every((node) => this.works(node));
  }

  /** Whether links to enough nodes are open, both ways, for `node` to lead. */
  reachesMajority(node: NodeProcess): boolean {
    if (!this.responds(node)) return false;
    const reached = this.nodes.filter(
      (other) => other === node || (this.responds(other) && this.links.isOpen(node, other)),
    );
    return reached.length >= this.majority;
  }

  /** Whether a majority works, with good links between all its members. */
  get hasHealthyQuorum(): boolean {
    const cliques = (chosen: readonly NodeProcess[], rest: readonly NodeProcess[]): boolean => {
      if (chosen.length >= this.majority) return true;
      return rest.some(
        (node, at) =>
          this.works(node) &&
          chosen.every((other) => this.links.isGood(node, other)) &&
          cliques([...chosen, node], rest.slice(at + 1)),
      );
    };
    return cliques([], this.nodes);
  }

  // ------------------------------------------------------------ changes

  /**
   * Starts a node. The first one founds the cluster and the others join it; later each one joins all others.
   */
  start(node: NodeProcess): void {
    if (this.#isOver) return;
    node.start(this.#entryOf(node));
    this.#wanted.add(node);
  }

  startAll(): void {
    for (const node of this.nodes) this.start(node);
    this.#isFounded = true;
  }

  /** Starts a node that may end by itself. It is expected to run only after `start` or `expectRunning`. */
  startDamaged(node: NodeProcess): void {
    if (!this.#isOver) node.start(this.#entryOf(node));
  }

  expectRunning(node: NodeProcess): void {
    this.#wanted.add(node);
  }

  kill(node: NodeProcess): Promise<ProcessEnd> {
    this.#expectEnd(node);
    return node.kill();
  }

  /** Asks it to end, as an operator does. */
  stop(node: NodeProcess): Promise<ProcessEnd> {
    this.#expectEnd(node);
    return node.stop();
  }

  pause(node: NodeProcess): void {
    this.#paused.add(node);
    node.pause();
    this.onChange();
  }

  resume(node: NodeProcess): void {
    node.resume();
    this.#paused.delete(node);
    this.onChange();
  }

  fillDisk(node: NodeProcess): void {
    this.#full.add(node);
    this.disks.fill(node.id);
    this.onChange();
  }

  makeRoom(node: NodeProcess): void {
    this.disks.makeRoom(node.id);
    this.#full.delete(node);
    this.onChange();
  }

  /** Marks a node that may lose its vote from now on. */
  unsettle(node: NodeProcess): void {
    this.#unsettled.add(node);
    this.onChange();
  }

  /** Marks a node that runs and has its vote again. */
  settle(node: NodeProcess): void {
    this.#unsettled.delete(node);
    this.onChange();
  }

  /** Kills all nodes at the end of the run. Later calls of `start` have no effect. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.nodes.map((node) => this.kill(node)));
  }

  #entryOf(node: NodeProcess): string[] {
    const [first] = this.nodes;
    if (!this.#isFounded && node === first) return ['-bootstrap'];
    const others = this.#isFounded ? this.nodes.filter((other) => other !== node) : this.nodes.slice(0, 1);
    return ['-join', others.map(({ httpAddress }) => httpAddress).join(',')];
  }

  #expectEnd(node: NodeProcess): void {
    this.#wanted.delete(node);
    this.#ready.delete(node);
    this.onChange();
  }
}
