// The links that the run has cut or made bad.

import type { NodeProcess } from '../kit/node-process.ts';
import type { ChaosNetwork, LinkQuality } from './network.ts';

interface Link {
  readonly from: NodeProcess;
  readonly to: NodeProcess;
  readonly isCut: boolean;
}

export class Links {
  readonly #network: ChaosNetwork;
  readonly #onChange: () => void;
  /** Links that are cut or bad. */
  readonly #broken = new Map<string, Link>();

  constructor(network: ChaosNetwork, onChange: () => void) {
    this.#network = network;
    this.#onChange = onChange;
  }

  get canWorsen(): boolean {
    return this.#network.canWorsen;
  }

  get areGood(): boolean {
    return this.#broken.size === 0;
  }

  /** Whether the links are good, both ways. */
  isGood(a: NodeProcess, b: NodeProcess): boolean {
    return !this.#broken.has(nameOf(a, b)) && !this.#broken.has(nameOf(b, a));
  }

  /** Whether the links are not cut, both ways. */
  isOpen(a: NodeProcess, b: NodeProcess): boolean {
    return !this.#broken.get(nameOf(a, b))?.isCut && !this.#broken.get(nameOf(b, a))?.isCut;
  }

  async cut(from: NodeProcess, to: NodeProcess): Promise<void> {
    await this.#network.cut(from.id, to.id);
    this.#note({ from, to, isCut: true });
  }

  async worsen(from: NodeProcess, to: NodeProcess, quality: LinkQuality): Promise<void> {
    await this.#network.worsen(from.id, to.id, quality);
    this.#note({ from, to, isCut: false });
  }

  async mendAll(): Promise<void> {
    for (const [name, { from, to }] of [...this.#broken]) {
      await this.#network.mend(from.id, to.id);
      this.#broken.delete(name);
    }
    this.#onChange();
  }

  #note(link: Link): void {
    this.#broken.set(nameOf(link.from, link.to), link);
    this.#onChange();
  }
}

function nameOf(from: NodeProcess, to: NodeProcess): string {
  return `${from.id}>${to.id}`;
}
