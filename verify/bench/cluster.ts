// A cluster as a measurement sees it: this product or etcd.

export interface BenchNode {
  readonly id: string;
  readonly pid: number;
  /** The address of its API, without a slash at the end. */
  readonly url: string;
  readonly dataDirectory: string;
  start(): Promise<void>;
  /** Stops the node in order; returns when the process has ended. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

export interface BenchCluster {
  /** Its name in results. */
  readonly name: 'raft3d' | 'etcd';
  readonly nodes: readonly BenchNode[];
  /** Waits until all nodes take part and agree on a leader. */
  leader(): Promise<BenchNode>;
  /** Sends one write with a new key; resolves to whether it was acknowledged. */
  write(node: BenchNode, key: string, options: { timeoutMs: number }): Promise<boolean>;
  /** Kills the nodes that still run and removes their data. */
  remove(): Promise<void>;
}

export function followersOf(cluster: BenchCluster, leader: BenchNode): BenchNode[] {
  return cluster.nodes.filter((node) => node !== leader);
}
