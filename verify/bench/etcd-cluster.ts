// A cluster of etcd, as Debian ships it: default flags, through its JSON gateway.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { apiRequest } from '../kit/api-request.ts';
import { freePorts } from '../kit/free-ports.ts';
import { waitFor } from '../kit/wait-for.ts';
import { removeAtExit, removeNow } from './abandoned.ts';
import type { BenchCluster, BenchNode } from './cluster.ts';
import { postJson } from './send.ts';

/** Returns the version of etcd; undefined where it is not installed. */
export function etcdVersion(): string | undefined {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /etcd Version: (\S+)/.exec(stdout)?.[1] : undefined;
}

interface EtcdStatus {
  readonly header: { readonly member_id: string };
  readonly leader?: string;
}

class EtcdNode implements BenchNode {
  readonly id: string;
  readonly url: string;
  readonly dataDirectory: string;
  readonly #flags: readonly string[];
  readonly #log: number;
  #child: ChildProcess | undefined;

  constructor(
    id: string,
    { url, dataDirectory, flags }: { url: string; dataDirectory: string; flags: readonly string[] },
  ) {
    this.id = id;
    this.url = url;
    this.dataDirectory = dataDirectory;
    this.#flags = flags;
    this.#log = fs.openSync(`${dataDirectory}.log`, 'a');
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.id} was never started`);
    return pid;
  }

  launch(): void {
    this.#child = spawn('etcd', this.#flags, { stdio: ['ignore', this.#log, this.#log] });
  }

  async start(): Promise<void> {
    this.launch();
    await waitFor(`${this.id} answers`, async () => (await this.status()) !== undefined, { intervalMs: 5 });
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Returns undefined while the node does not answer. */
  async status(): Promise<EtcdStatus | undefined> {
    try {
      const { status, body } = await apiRequest(`${this.url}/v3/maintenance/status`, {
        body: {},
        timeoutMs: 2_000,
        hasContract: false,
      });
      return status === 200 ? body : undefined;
    } catch {
      // The node is not up yet, or has ended: a caller that waits asks again.
      return undefined;
    }
  }
}

export class EtcdCluster implements BenchCluster {
  readonly name = 'etcd';
  readonly nodes: readonly EtcdNode[];
  readonly #directory: string;

  private constructor(directory: string, nodes: readonly EtcdNode[]) {
    this.#directory = directory;
    this.nodes = nodes;
  }

  static async start(count: number): Promise<EtcdCluster> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-bench-etcd-'));
    const ports = await freePorts(2 * count);
    const places = Array.from({ length: count }, (_, at) => ({
      id: `etcd${at + 1}`,
      client: `http://127.0.0.1:${ports[2 * at]}`,
      peer: `http://127.0.0.1:${ports[2 * at + 1]}`,
    }));
    const members = places.map(({ id, peer }) => `${id}=${peer}`).join();
    const nodes = places.map(({ id, client, peer }) => {
      const dataDirectory = path.join(directory, id);
      const flags = Object.entries({
        name: id,
        'data-dir': dataDirectory,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'listen-client-urls': client,
        'advertise-client-urls': client,
        'initial-cluster': members,
        'initial-cluster-token': path.basename(directory),
      }).flatMap(([name, value]) => [`--${name}`, value]);
      return new EtcdNode(id, { url: client, dataDirectory, flags });
    });
    const cluster = new EtcdCluster(directory, nodes);
    removeAtExit(directory, nodes);
    for (const node of nodes) node.launch();
    await cluster.leader();
    return cluster;
  }

  async leader(): Promise<EtcdNode> {
    return waitFor('the nodes of etcd agree on a leader', async () => {
      const statuses = await Promise.all(this.nodes.map((node) => node.status()));
      const [leader, ...others] = new Set(statuses.map((status) => status?.leader ?? '0'));
      if (others.length > 0 || leader === '0') return undefined;
      return this.nodes.find((_, at) => statuses[at]?.header.member_id === leader);
    });
  }

  async write(node: BenchNode, key: string, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    const body = { key: Buffer.from(key).toString('base64'), value: Buffer.alloc(81).toString('base64') };
    return (await postJson(`${node.url}/v3/kv/put`, body, { timeoutMs })) === 200;
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    removeNow(this.#directory);
  }
}
