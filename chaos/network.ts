// What lies between the nodes: it can be cut in each direction by itself. Two kinds: namespaces of their own, and
// proxies on one machine.

import type { NodeSettings } from '../test/support/node-process.ts';

/** Where a node lives, and what starts it there. */
export type NodePlace = Pick<NodeSettings, 'id' | 'host' | 'httpPort' | 'raftPort' | 'flags'> & {
  /** Stands before the program and its arguments. */
  readonly runner: readonly string[];
};

export interface ChaosNetwork {
  /** For the report: what the faults really do. */
  readonly description: string;
  readonly places: readonly NodePlace[];
  /** From now on nothing of what `from` sends reaches `to`. Clients reach every node always. */
  cut(from: string, to: string): Promise<void>;
  /** Undoes `cut`. */
  mend(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}
