// The nodes, and what the run has done to them: who is up, who stands still, which links are cut.

import { present } from '../src/shared/assert.ts';
import { MAIN, NodeProcess } from '../test/support/node-process.ts';
import type { ChaosNetwork } from './network.ts';

/** Tiny, so that logs are compacted and snapshots are sent all the time. */
const COMPACT_AFTER_ENTRIES = '300';

export interface ClusterOptions {
  /** Of this run: data and logs of the nodes go there. */
  readonly directory: string;
  /** The built program. */
  readonly main?: string;
}

export class Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly #network: ChaosNetwork;
  /** Started by us and not ended by us: it must be running. */
  readonly #wanted = new Set<NodeProcess>();
  /** Up, and has answered since it started. */
  readonly #ready = new Set<NodeProcess>();
  readonly #paused = new Set<NodeProcess>();
  readonly #cuts = new Map<string, { readonly from: NodeProcess; readonly to: NodeProcess }>();
  #isOver = false;
  /** Called after every change of who can work with whom. */
  onChange: () => void = () => {};

  constructor(network: ChaosNetwork, { directory, main = MAIN }: ClusterOptions) {
    this.#network = network;
    const [first] = network.places;
    this.nodes = network.places.map((place) => {
      const [program = '', ...args] = [...place.runner, process.execPath, main];
      const entry = place === first ? ['-bootstrap'] : ['-join', `${first?.host}:${first?.httpPort}`];
      const limits = [
        '-compact-after',
        COMPACT_AFTER_ENTRIES,
        '-console-level',
        'warn',
        '-file-level',
        'info',
      ];
      return new NodeProcess({
        ...place,
        data: `${directory}/data`,
        logs: `${directory}/logs`,
        flags: [...place.flags, ...entry, ...limits],
        command: [program, ...args],
      });
    });
  }

  get majority(): number {
    return Math.floor(this.nodes.length / 2) + 1;
  }

  // ------------------------------------------------------------ what holds now

  /** It runs and answers, as far as the run's own deeds go. */
  works(node: NodeProcess): boolean {
    return this.#ready.has(node) && !this.#paused.has(node);
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

  /** Nobody is dead, stopped or cut off by the run. */
  get isWhole(): boolean {
    return this.#cuts.size === 0 && this.nodes.every((node) => this.works(node));
  }

  /** Both work and hear each other. */
  areJoined(a: NodeProcess, b: NodeProcess): boolean {
    if (!this.works(a) || !this.works(b)) return false;
    return a === b || !(this.#cuts.has(linkOf(a, b)) || this.#cuts.has(linkOf(b, a)));
  }

  /** `node` hears, and is heard by, enough nodes to lead. */
  reachesMajority(node: NodeProcess): boolean {
    return this.nodes.filter((other) => this.areJoined(node, other)).length >= this.majority;
  }

  /** A majority that works and whose members all hear each other. */
  get hasHealthyQuorum(): boolean {
    const cliques = (chosen: readonly NodeProcess[], rest: readonly NodeProcess[]): boolean => {
      if (chosen.length >= this.majority) return true;
      return rest.some(
        (node, at) =>
          chosen.every((other) => this.areJoined(node, other)) &&
          this.works(node) &&
          cliques([...chosen, node], rest.slice(at + 1)),
      );
    };
    return cliques([], this.nodes);
  }

  // ------------------------------------------------------------ deeds

  start(node: NodeProcess): void {
    if (this.#isOver) return;
    node.start();
    this.#wanted.add(node);
  }

  async kill(node: NodeProcess): Promise<void> {
    this.#expectEnd(node);
    await node.kill();
  }

  /** Asks it to end, as an operator does. */
  async stop(node: NodeProcess): Promise<void> {
    this.#expectEnd(node);
    await node.stop();
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

  async cut(from: NodeProcess, to: NodeProcess): Promise<void> {
    await this.#network.cut(from.id, to.id);
    this.#cuts.set(linkOf(from, to), { from, to });
    this.onChange();
  }

  async mendAll(): Promise<void> {
    for (const [link, { from, to }] of [...this.#cuts]) {
      await this.#network.mend(from.id, to.id);
      this.#cuts.delete(link);
    }
    this.onChange();
  }

  /** At the end of the run, whatever state it is in. Nothing starts any more, whoever still tries. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.nodes.map((node) => this.kill(node)));
  }

  node(id: string): NodeProcess {
    return present(
      this.nodes.find((node) => node.id === id),
      `${id} is a node of the run`,
    );
  }

  #expectEnd(node: NodeProcess): void {
    this.#wanted.delete(node);
    this.#ready.delete(node);
    this.onChange();
  }
}

function linkOf(from: NodeProcess, to: NodeProcess): string {
  return `${from.id}>${to.id}`;
}
