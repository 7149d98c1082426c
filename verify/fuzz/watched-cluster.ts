// A cluster of the built program, whose processes are watched: life, memory, and open files.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { allAreVoters } from '../kit/cluster-waits.ts';
import { freePorts } from '../kit/free-ports.ts';
import { MAIN, NodeProcess } from '../kit/node-process.ts';
import { waitFor } from '../kit/wait-for.ts';
import { Finding } from './idea.ts';
import type { Tally } from './tally.ts';

const BYTES_PER_MIB = 1024 * 1024;
/** A leak in the JavaScript heap ends the process at this size. */
const MAX_HEAP_MIB = 128;
/** Samples during which memory may grow freely: caches fill, and code is compiled. */
const WARM_UP_SAMPLES = 40;
/**
 * The allowed growth above the peak of the warm-up, without the mapped data file. The heap swings by some 50
 * MiB under such a load, and bodies of 1 MiB come in parallel. A leak of 1 KiB a request exceeds this within
 * 100,000 requests.
 */
const MAX_GROWTH_BYTES = 96 * BYTES_PER_MIB;
/** The allowed number of files and sockets beyond those at the start, when all our connections are closed. */
const MAX_MORE_FILES = 40;
const CALM_TIMEOUT_MS = 20_000;

interface Watch {
  readonly node: NodeProcess;
  readonly filesAtStart: number;
  samples: number;
  warmBytes: number;
}

export class WatchedCluster {
  readonly nodes: readonly NodeProcess[];
  readonly #directory: string;
  readonly #watches: readonly Watch[];

  /** Starts one founding node and others that join it, and waits until all are voters. */
  static async start(count: number, flags: readonly string[] = []): Promise<WatchedCluster> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-fuzz-'));
    const ports = await freePorts(2 * count);
    const nodes = Array.from({ length: count }, (_, at) => {
      const entry = at === 0 ? ['-bootstrap'] : ['-join', `127.0.0.1:${ports[0]}`];
      return new NodeProcess({
        id: `node${at + 1}`,
        httpPort: ports[2 * at] ?? 0,
        raftPort: ports[2 * at + 1] ?? 0,
        data: path.join(directory, 'data'),
        logs: path.join(directory, 'logs'),
        flags: [...flags, ...entry, '-console-level', 'warn'],
        command: [process.execPath, `--max-old-space-size=${MAX_HEAP_MIB}`, MAIN],
      });
    });
    for (const node of nodes) node.start();
    try {
      await allAreVoters(nodes);
    } catch (error) {
      for (const node of nodes) await node.kill();
      fs.rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    return new WatchedCluster(directory, nodes);
  }

  private constructor(directory: string, nodes: readonly NodeProcess[]) {
    this.#directory = directory;
    this.nodes = nodes;
    this.#watches = nodes.map((node) => ({ node, filesAtStart: filesOf(node), samples: 0, warmBytes: 0 }));
  }

  /** Waits until all nodes are voters, after the start of a stopped node. */
  async isReady(): Promise<void> {
    await allAreVoters(this.nodes);
  }

  get first(): NodeProcess {
    const [first] = this.nodes;
    if (first === undefined) throw new Error('a cluster has a node');
    return first;
  }

  /** Checks all nodes. Call it while none of our connections is open. Throws Finding. */
  async check(tally: Tally): Promise<void> {
    for (const watch of this.#watches) {
      await this.#checkLife(watch.node);
      this.#checkMemory(watch, tally);
      await this.#checkFiles(watch);
    }
  }

  async #checkLife(node: NodeProcess): Promise<void> {
    if (!node.isRunning)
      throw new Finding(
        `${node.id} has ended: ${JSON.stringify(await node.ended)} ${node.output.slice(-3_000)}`,
      );
    const status = await node.status();
    if (status === undefined) throw new Finding(`${node.id} does not answer /cluster/status`);
  }

  #checkMemory(watch: Watch, tally: Tally): void {
    const bytes = ownMemoryBytes(watch.node.pid);
    tally.memory(watch.node.id, bytes);
    watch.samples += 1;
    if (watch.samples <= WARM_UP_SAMPLES) watch.warmBytes = Math.max(watch.warmBytes, bytes);
    else if (bytes > watch.warmBytes + MAX_GROWTH_BYTES) {
      const [now, warm] = [bytes, watch.warmBytes].map((value) => Math.round(value / BYTES_PER_MIB));
      throw new Finding(`${watch.node.id} takes ${now} MiB, and ${warm} MiB when it was warm`);
    }
  }

  /** Waits a moment for the node to close connections that we have closed. */
  async #checkFiles({ node, filesAtStart }: Watch): Promise<void> {
    const isCalm = (): boolean => filesOf(node) <= filesAtStart + MAX_MORE_FILES;
    try {
      if (!isCalm()) await waitFor('files are closed', isCalm, { timeoutMs: CALM_TIMEOUT_MS });
    } catch {
      throw new Finding(`${node.id} holds ${filesOf(node)} files and sockets, ${filesAtStart} at the start`);
    }
  }

  /** Checks that every log line is whole, and that none reports an error of the node itself. */
  checkLogs(): void {
    for (const node of this.nodes) {
      for (const line of node.logLines()) {
        if (line.level === 'error') throw new Finding(`${node.id} logged ${JSON.stringify(line)}`);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Returns the memory without mapped files, whose pages the system can take back. */
function ownMemoryBytes(pid: number): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

function filesOf(node: NodeProcess): number {
  return fs.readdirSync(`/proc/${node.pid}/fd`).length;
}
