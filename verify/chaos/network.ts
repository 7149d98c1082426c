// The network between the nodes. Each direction of a link can be cut or made worse. Two implementations:
// namespaces, and proxies on one machine.

import type { NodeSettings } from '../kit/node-process.ts';

/** The addresses of a node, and the command that starts it there. */
export type NodePlace = Pick<NodeSettings, 'id' | 'host' | 'httpPort' | 'raftPort' | 'flags'> & {
  /** The command line before the program and its arguments. */
  readonly runner: readonly string[];
};

/** The quality of a bad link. */
export interface LinkQuality {
  /** The share of lost packets: 0 to 1. */
  readonly lossShare: number;
  /** The delay of everything; up to `jitterMs` come on top. */
  readonly delayMs: number;
  readonly jitterMs: number;
}

/** Counts of losses and delays on bad links: packets of tunnels, or chunks of proxies. */
export interface LinkDamage {
  readonly lost: number;
  readonly late: number;
}

export interface ChaosNetwork {
  /** The text for the report: the effect of cuts and bad links. */
  readonly description: string;
  readonly places: readonly NodePlace[];
  /** Whether `worsen` can be called. */
  readonly canWorsen: boolean;
  readonly linkDamage: LinkDamage;
  /** Cuts the link: `from` cannot reach `to` any more. Clients always reach every node. */
  cut(from: string, to: string): Promise<void>;
  /** Makes the link bad: data from `from` reaches `to` late or not at all. No link is both cut and bad. */
  worsen(from: string, to: string, quality: LinkQuality): Promise<void>;
  /** Undoes `cut` and `worsen`. */
  mend(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}
