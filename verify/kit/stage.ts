// The stage of one end-to-end test: a directory, and nodes that end with the test.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, type TestContext } from 'vitest';
import { allAreVoters } from './cluster-waits.ts';
import { freePorts } from './free-ports.ts';
import { NodeProcess } from './node-process.ts';

interface NodeOptions {
  readonly id?: string;
  readonly flags?: readonly string[];
  /** A `-data` directory of its own. Default: the stage's. */
  readonly data?: string;
  readonly command?: readonly [program: string, ...args: string[]];
}

/** Characters of each node's output that are printed when a test fails. */
const SHOWN_OUTPUT_CHARACTERS = 6_000;

export class Stage {
  readonly directory: string = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-e2e-'));
  readonly #nodes: NodeProcess[] = [];
  readonly #cleanups: (() => Promise<void> | void)[] = [];

  get data(): string {
    return path.join(this.directory, 'data');
  }

  get logs(): string {
    return path.join(this.directory, 'logs');
  }

  /** Creates a node with free ports, and does not start it. Ids count up: node1, node2 … */
  async newNode(options: NodeOptions = {}): Promise<NodeProcess> {
    const [httpPort = 0, raftPort = 0] = await freePorts(2);
    const node = new NodeProcess({
      id: options.id ?? `node${this.#nodes.length + 1}`,
      httpPort,
      raftPort,
      data: options.data ?? this.data,
      logs: this.logs,
      flags: options.flags ?? [],
      ...(options.command !== undefined && { command: options.command }),
    });
    this.#nodes.push(node);
    return node;
  }

  /** The same node, files and ports with other flags. The first process must have ended. */
  withFlags(node: NodeProcess, flags: readonly string[]): NodeProcess {
    const changed = new NodeProcess({ ...node.settings, flags });
    this.#nodes.push(changed);
    return changed;
  }

  /** Starts a cluster and waits until all nodes are voters and know the leader. The first node founds it. */
  async startCluster(count: number, options: { flags?: readonly string[] } = {}): Promise<NodeProcess[]> {
    const flags = options.flags ?? [];
    const first = await this.newNode({ flags: [...flags, '-bootstrap'] });
    const others: NodeProcess[] = [];
    for (let number = 2; number <= count; number++) {
      others.push(await this.newNode({ flags: [...flags, '-join', first.httpAddress] }));
    }
    const nodes = [first, ...others];
    for (const node of nodes) node.start();
    await allAreVoters(nodes);
    return nodes;
  }

  /**
   * Registers a cleanup for the end of the test, before the directory is removed. The last one runs first.
   */
  onEnd(cleanup: () => Promise<void> | void): void {
    this.#cleanups.push(cleanup);
  }

  async end(options: { failed: boolean }): Promise<void> {
    if (options.failed) this.#showOutput();
    await Promise.all(this.#nodes.map((node) => node.kill()));
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  #showOutput(): void {
    for (const node of this.#nodes) {
      console.error(`===== ${node.id} wrote:\n${node.output.slice(-SHOWN_OUTPUT_CHARACTERS)}`);
    }
  }
}

/** Provides a stage for each test of the file. */
export function useStage(): () => Stage {
  let stage: Stage | undefined;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach((context: TestContext) => stage?.end({ failed: hasFailed(context) }));
  return () => existing(stage);
}

/** Provides one stage for all tests of the file, which must leave the cluster as it was. */
export function useSharedStage(setUp: (stage: Stage) => Promise<void>): void {
  let stage: Stage | undefined;
  let failed = false;
  beforeAll(async () => {
    stage = new Stage();
    failed = true;
    await setUp(stage);
    failed = false;
  });
  afterEach((context: TestContext) => {
    failed ||= hasFailed(context);
  });
  afterAll(() => stage?.end({ failed }));
}

function hasFailed(context: TestContext): boolean {
  return context.task.result?.state === 'fail';
}

function existing(stage: Stage | undefined): Stage {
  if (stage === undefined) throw new Error('the stage exists only while a test runs');
  return stage;
}
