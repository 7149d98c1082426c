// The nodes, and what the run has done to them: who is up, who stands still, whose disk is full, who is no member that
// one can count on.

import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { MAIN, NodeProcess, type ProcessEnd } from '../kit/node-process.ts';
import type { Disks } from './disks.ts';
import { Links } from './links.ts';
import type { ChaosNetwork } from './network.ts';

/** Tiny, so that logs are compacted and snapshots are sent all the time. */
const COMPACT_AFTER_ENTRIES = '300';
const LIMITS = ['-compact-after', COMPACT_AFTER_ENTRIES, '-console-level', 'warn', '-file-level', 'info'];

export interface ClusterOptions {
  readonly network: ChaosNetwork;
  readonly disks: Disks;
  /** Of this run: the logs of the nodes go there. */
  readonly directory: string;
  /** The built program. */
  readonly main?: string;
}

export class Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly links: Links;
  readonly disks: Disks;
  /** Started by us and not ended by us: it must be running. */
  readonly #wanted = new Set<NodeProcess>();
  /** Up, and has answered since it started. */
  readonly #ready = new Set<NodeProcess>();
  readonly #paused = new Set<NodeProcess>();
  readonly #full = new Set<NodeProcess>();
  /** In a fault that may have taken their vote away: nobody may count on them, or let another fault hit them. */
  readonly #unsettled = new Set<NodeProcess>();
  #isFounded = false;
  #isOver = false;
  /** Called after every change of who can work with whom. */
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

  /** Of all the nodes. While one of them is no voter the others' majority is no larger. */
  get majority(): number {
    return Math.floor(this.nodes.length / 2) + 1;
  }

  // ------------------------------------------------------------ what holds now

  /** It answers, as far as the run's own deeds go. */
  responds(node: NodeProcess): boolean {
    return this.#ready.has(node) && !this.#paused.has(node) && node.isRunning;
  }

  /** It answers, has its vote, and can write. */
  works(node: NodeProcess): boolean {
    return this.responds(node) && !this.#full.has(node) && !this.#unsettled.has(node);
  }

  /** No fault has it in hand that another one would meddle with. */
  isFree(node: NodeProcess): boolean {
    return !this.#unsettled.has(node);
  }

  get freeNodes(): NodeProcess[] {
    return this.nodes.filter((node) => this.isFree(node));
  }

  /** Up but not heard of yet counts as unready until `answered`. */
  answered(node: NodeProcess): void {
    if (!this.#wanted.has(node) || this.#ready.has(node)) return;
    this.#ready.add(node);
    this.onChange();
  }

  /** A node that ended though nobody ended it. */
  get fallen(): NodeProcess | undefined {
    return [...this.#wanted].find((node) => !node.isRunning);
  }

  /** Nobody is dead, stopped, cut off or no voter because of the run. */
  get isWhole(): boolean {
    return this.links.areGood && this.nodes.every((node) => this.works(node));
  }

  /** `node` hears, and is heard by, enough nodes to lead, however badly. */
  reachesMajority(node: NodeProcess): boolean {
    if (!this.responds(node)) return false;
    const reached = this.nodes.filter(
      (other) => other === node || (this.responds(other) && this.links.isOpen(node, other)),
    );
    return reached.length >= this.majority;
  }

  /** A majority that works and whose members all hear each other well. */
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

  // ------------------------------------------------------------ deeds

  /** The first of all founds the cluster and the others join it; after that each asks all the others. */
  start(node: NodeProcess): void {
    if (this.#isOver) return;
    node.start(this.#entryOf(node));
    this.#wanted.add(node);
  }

  startAll(): void {
    for (const node of this.nodes) this.start(node);
    this.#isFounded = true;
  }

  /** It may end by itself, and is not expected to run until `start` or `expectRunning`. */
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

  /** It may lose its vote from now on. */
  unsettle(node: NodeProcess): void {
    this.#unsettled.add(node);
    this.onChange();
  }

  /** It has its vote, and runs. */
  settle(node: NodeProcess): void {
    this.#unsettled.delete(node);
    this.onChange();
  }

  /** At the end of the run, whatever state it is in. Nothing starts any more, whoever still tries. */
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
