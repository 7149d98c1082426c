// A cluster of Raft3D as it is shipped: the built program, default flags, one process a node.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { allAreVoters, waitForLeader } from '../kit/cluster-waits.ts';
import { freePorts } from '../kit/free-ports.ts';
import { NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import { removeAtExit, removeNow } from './abandoned.ts';
import { type Checkout, THIS_CHECKOUT } from './checkout.ts';
import type { BenchCluster, BenchNode } from './cluster.ts';
import { postJson } from './send.ts';

/**
 * The bound of a wait for the cluster: a farm of a million jobs is slow to start and to send to a new node.
 */
const PATIENCE_MS = 600_000;
/** Lines of output quoted of a node that ended unexpectedly. */
const LAST_LINES = 40;

export class Raft3dNode implements BenchNode {
  readonly process: NodeProcess;

  constructor(process: NodeProcess) {
    this.process = process;
  }

  get id(): string {
    return this.process.id;
  }

  get pid(): number {
    return this.process.pid;
  }

  get url(): string {
    return `http://${this.process.httpAddress}`;
  }

  get dataDirectory(): string {
    return this.process.dataDirectory;
  }

  async start(): Promise<void> {
    this.process.start();
    await waitFor(`${this.id} answers`, async () => (await this.process.status()) !== undefined, {
      intervalMs: 5,
      timeoutMs: PATIENCE_MS,
    });
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  async kill(): Promise<void> {
    await this.process.kill();
  }

  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }
}

export class Raft3dCluster implements BenchCluster {
  readonly name = 'raft3d';
  readonly nodes: readonly Raft3dNode[];
  readonly #directory: string;

  private constructor(directory: string, nodes: readonly Raft3dNode[]) {
    this.#directory = directory;
    this.nodes = nodes;
  }

  /** `nodeFlags` are for Node.js itself, before the program and behind those of the checkout. */
  static async start(
    count: number,
    { nodeFlags = [], checkout = THIS_CHECKOUT }: { nodeFlags?: readonly string[]; checkout?: Checkout } = {},
  ): Promise<Raft3dCluster> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-bench-'));
    const data = path.join(directory, 'data');
    const logs = path.join(directory, 'logs');
    const command = [process.execPath, ...checkout.nodeFlags, ...nodeFlags, checkout.main] as const;
    const nodes: Raft3dNode[] = [];
    for (let number = 1; number <= count; number++) {
      const [httpPort = 0, raftPort = 0] = await freePorts(2);
      const [founder] = nodes;
      const flags = founder === undefined ? ['-bootstrap'] : ['-join', founder.process.httpAddress];
      const id = `node${number}`;
      nodes.push(new Raft3dNode(new NodeProcess({ id, httpPort, raftPort, data, logs, flags, command })));
    }
    const cluster = new Raft3dCluster(directory, nodes);
    removeAtExit(directory, nodes);
    try {
      for (const { process } of nodes) process.start();
      await cluster.leader();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  /**
   * Waits until all nodes are voters and know the leader; asks every `intervalMs`. Rejects as soon as a node
   * ends.
   */
  async leader({ intervalMs }: { intervalMs?: number } = {}): Promise<Raft3dNode> {
    const processes = this.nodes.map(({ process }) => process);
    const ended = processes.map(async (process) => {
      const { code, signal } = await process.ended;
      const lastWords = process.output.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
      throw new Error(
        `${process.id} ended (${signal ?? code}) before the cluster was ready. Its last output:\n${lastWords}`,
      );
    });
    const found = async (): Promise<NodeProcess> => {
      await allAreVoters(processes, {
        timeoutMs: PATIENCE_MS,
        ...(intervalMs !== undefined && { intervalMs }),
      });
      return waitForLeader(processes, { timeoutMs: PATIENCE_MS });
    };
    const leader = await Promise.race([found(), ...ended]);
    return this.nodes.find(({ process }) => process === leader) as Raft3dNode;
  }

  async write(node: BenchNode, key: string, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    const body = { id: key, company: 'Prusa Research', model: 'MK4S, nozzle 0.4 mm' };
    return (await postJson(`${node.url}/api/v1/printers`, body, { timeoutMs })) === 201;
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    removeNow(this.#directory);
  }
}
