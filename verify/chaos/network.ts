// What lies between the nodes: it can be cut or made worse in each direction by itself. Two kinds: namespaces of their
// own, and proxies on one machine.

import type { NodeSettings } from '../kit/node-process.ts';

/** Where a node lives, and what starts it there. */
export type NodePlace = Pick<NodeSettings, 'id' | 'host' | 'httpPort' | 'raftPort' | 'flags'> & {
  /** Stands before the program and its arguments. */
  readonly runner: readonly string[];
};

/** How bad a link is that still carries something. */
export interface LinkQuality {
  /** Of what is sent: 0 to 1. */
  readonly lossShare: number;
  /** Everything is late by so much, and by up to `jitterMs` more. */
  readonly delayMs: number;
  readonly jitterMs: number;
}

/** What bad links did, for the report: packets of tunnels, pieces of what proxies carry. */
export interface LinkDamage {
  readonly lost: number;
  readonly late: number;
}

export interface ChaosNetwork {
  /** For the report: what the faults really do. */
  readonly description: string;
  readonly places: readonly NodePlace[];
  /** Whether `worsen` can be called. */
  readonly canWorsen: boolean;
  readonly linkDamage: LinkDamage;
  /** From now on nothing of what `from` sends reaches `to`. Clients reach every node always. */
  cut(from: string, to: string): Promise<void>;
  /** From now on what `from` sends reaches `to` late or not at all. No link is both cut and worse. */
  worsen(from: string, to: string, quality: LinkQuality): Promise<void>;
  /** Undoes `cut` and `worsen`. */
  mend(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}
