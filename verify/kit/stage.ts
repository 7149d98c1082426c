// What one end-to-end test plays on: a directory of its own, and nodes that never outlive it.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, type TestContext } from 'vitest';
import { allAreVoters } from './cluster-waits.ts';
import { freePorts } from './free-ports.ts';
import { NodeProcess } from './node-process.ts';

export interface NodeOptions {
  readonly id?: string;
  readonly flags?: readonly string[];
  /** Its own `-data`, where the stage's will not do. */
  readonly data?: string;
  readonly command?: readonly [program: string, ...args: string[]];
}

/** Shown of each node when a test fails. */
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

  /** A node with free ports, not started. Ids count up: node1, node2 … */
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

  /** The same node, files and ports, with other flags; the first one must have ended. */
  withFlags(node: NodeProcess, flags: readonly string[]): NodeProcess {
    const changed = new NodeProcess({ ...node.settings, flags });
    this.#nodes.push(changed);
    return changed;
  }

  /** A running cluster: the first node founded it, all are voters, every node knows the leader. */
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

  /** Undone after the test, before the directory is removed; the last one first. */
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

/** A stage for each test of the file. */
export function useStage(): () => Stage {
  let stage: Stage | undefined;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach((context: TestContext) => stage?.end({ failed: hasFailed(context) }));
  return () => existing(stage);
}

/** One stage for all tests of the file, for those that leave the cluster as they found it. */
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
