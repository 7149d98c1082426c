// What a measurement needs of the cluster that it is done on, whoever wrote it.

export interface BenchNode {
  readonly id: string;
  readonly pid: number;
  /** Where its API is, without a slash at the end. */
  readonly url: string;
  readonly dataDirectory: string;
  start(): Promise<void>;
  /** Orderly; returns when the process has ended. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

export interface BenchCluster {
  /** As it is called in results. */
  readonly name: 'raft3d' | 'etcd';
  readonly nodes: readonly BenchNode[];
  /** Waits until all nodes take part and agree on one. */
  leader(): Promise<BenchNode>;
  /** Sends one write with a key that no other has; resolves to whether it was acknowledged. */
  write(node: BenchNode, key: string, options: { timeoutMs: number }): Promise<boolean>;
  /** Kills what still runs and removes the data. */
  remove(): Promise<void>;
}

export function followersOf(cluster: BenchCluster, leader: BenchNode): BenchNode[] {
  return cluster.nodes.filter((node) => node !== leader);
}
