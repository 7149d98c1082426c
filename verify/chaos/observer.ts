// Watches the leader: measures leaderless times with a healthy quorum, and the times of failovers.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeProcess, NodeStatus } from '../kit/node-process.ts';
import type { Violations } from '../kit/violations.ts';
import type { Cluster } from './cluster.ts';

/** The precision of all times of the observer. */
const POLL_EVERY_MS = 50;
const STATUS_TIMEOUT_MS = 1_000;
/** A healthy quorum without a leader for this long violates liveness. */
const MAX_LEADERLESS_MS = 30_000;

export class Observer {
  readonly #cluster: Cluster;
  readonly #violations: Violations;
  /** The last status of each node; undefined when it did not answer. */
  readonly #statuses = new Map<NodeProcess, NodeStatus | undefined>();
  #gap: { readonly since: number; readonly isFailover: boolean } | undefined;
  #hadLeader = false;
  #isStopped = false;
  #loops: Promise<void>[] = [];
  longestLeaderlessMs = 0;
  /** Times from the loss of a leader to its successor, while a quorum stayed healthy. */
  readonly failoversMs: number[] = [];

  constructor(cluster: Cluster, violations: Violations) {
    this.#cluster = cluster;
    this.#violations = violations;
  }

  start(): void {
    this.#cluster.onChange = () => this.#evaluate();
    this.#loops = this.#cluster.nodes.map((node) => this.#watch(node));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    this.#cluster.onChange = () => {};
  }

  /** A node that reports that it leads, and reaches a majority. */
  get leader(): NodeProcess | undefined {
    return this.#cluster.nodes.find(
      (node) => this.#statuses.get(node)?.is_leader === true && this.#cluster.reachesMajority(node),
    );
  }

  /** Returns the server id under which `observing` has `node` as a voter. */
  voterServer(observing: NodeProcess, node: NodeProcess): string | undefined {
    const members = this.#statuses.get(observing)?.nodes;
    return members?.find(({ id, role }) => id === node.id && role === 'voter')?.server;
  }

  /** Describes the last statuses of all nodes. */
  describe(): string {
    const lines = this.#cluster.nodes.map((node) => {
      const status = this.#statuses.get(node);
      if (status === undefined) return `${node.id}: no answer`;
      const members = status.nodes.map(({ server, role }) => `${server} ${role}`).join(', ');
      return `${node.id}: ${status.state}, term ${status.term}, leader ${status.leader_id}, members ${members}`;
    });
    return lines.join('; ');
  }

  async #watch(node: NodeProcess): Promise<void> {
    while (!this.#isStopped) {
      const status = await this.#ask(node);
      this.#statuses.set(node, status);
      if (status !== undefined) this.#cluster.answered(node);
      this.#evaluate();
      await sleep(POLL_EVERY_MS);
    }
  }

  async #ask(node: NodeProcess): Promise<NodeStatus | undefined> {
    if (!node.isRunning) return undefined;
    try {
      return (await node.request('/cluster/status', { timeoutMs: STATUS_TIMEOUT_MS })).body as NodeStatus;
    } catch {
      // The node is starting, has ended, or is paused: it does not lead.
      return undefined;
    }
  }

  #evaluate(): void {
    const { fallen } = this.#cluster;
    if (fallen !== undefined && this.#violations.found.every(({ property }) => property !== 'uptime')) {
      this.#violations.add('uptime', `${fallen.id} ended by itself:\n${fallen.output.slice(-4_000)}`);
    }
    const now = performance.now();
    const hasLeader = this.leader !== undefined;
    if (!this.#cluster.hasHealthyQuorum) this.#gap = undefined;
    else if (!hasLeader) this.#noteLeaderless(now);
    else if (this.#gap !== undefined) {
      this.#noteLeaderless(now);
      if (this.#gap.isFailover) this.failoversMs.push(now - this.#gap.since);
      this.#gap = undefined;
    }
    this.#hadLeader = hasLeader;
  }

  #noteLeaderless(now: number): void {
    this.#gap ??= { since: now, isFailover: this.#hadLeader };
    const leaderlessMs = now - this.#gap.since;
    if (leaderlessMs > MAX_LEADERLESS_MS && this.longestLeaderlessMs <= MAX_LEADERLESS_MS) {
      this.#violations.add('liveness', `no leader for ${MAX_LEADERLESS_MS} ms though a quorum was healthy`);
    }
    this.longestLeaderlessMs = Math.max(this.longestLeaderlessMs, leaderlessMs);
  }
}
