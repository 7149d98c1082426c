// The Raft engine of this process: started, brought into its cluster, and started anew after a removal.

import { readFileSync } from 'node:fs';
import type { StartOptions } from '../config/flags.ts';
import { AdvanceListeners } from '../engines/advance-listeners.ts';
import type { Engine } from '../engines/engine.ts';
import { DEFAULT_LIMITS, type RaftOptions } from '../engines/raft/node/options.ts';
import { type NodePorts, RaftNode } from '../engines/raft/node/raft-node.ts';
import { TcpTransport } from '../engines/raft/transport/tcp-transport.ts';
import { present } from '../shared/assert.ts';
import { asError, CodedError } from '../shared/coded-error.ts';
import { joinCluster } from './joining.ts';

/** Heartbeats and elections are counted in ticks of half a heartbeat. */
const TICKS_PER_HEARTBEAT = 2;

interface RaftEngineParts {
  /** All ports of a node but the transport: each new start has a transport of its own. */
  readonly ports: Omit<NodePorts, 'transport'>;
  /** The engine ended by itself; the process should exit with 1. */
  onFatal(error: Error): void;
}

export class RaftEngine {
  readonly #options: StartOptions;
  readonly #parts: RaftEngineParts;
  readonly #stopping = new AbortController();
  /** They stay when the node starts anew. */
  readonly #listeners = new AdvanceListeners();
  #node: RaftNode | undefined;
  /** After a join a removal is meant: this node stays out until its next start. */
  #hasJoined = false;
  #isStartingAnew = false;

  constructor(options: StartOptions, parts: RaftEngineParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Starts the node. Returns the engine for the API, which stays the same when the node starts anew. */
  async start(): Promise<Engine> {
    await this.#startNode({ startOver: false });
    const current = (): RaftNode => present(this.#node, 'the node was started');
    return {
      get membership() {
        return current().membership;
      },
      propose: (command, done) => current().propose(command, done),
      readBarrier: (done) => current().readBarrier(done),
      state: () => current().state(),
      position: () => current().position(),
      onAdvance: (listener) => this.#listeners.add(listener),
      stalenessMs: () => current().stalenessMs(),
      health: () => current().health(),
    };
  }

  /** Asks the members of -join until one lets this node in; resolves at once without -join. */
  async join(): Promise<void> {
    if (this.#options.join.length === 0) return;
    const { logger } = this.#parts.ports;
    const result = await joinCluster(this.#options, { logger, signal: this.#stopping.signal });
    if (result.kind === 'joined') {
      this.#hasJoined = true;
      logger.info('this node is a member', { role: result.role });
    } else if (result.kind === 'refused' && result.code === 'removed_server') await this.#startAnew();
    else if (result.kind === 'refused') {
      const message = `the cluster refused this node: ${result.detail}`;
      this.#parts.onFatal(new CodedError(result.code, message));
    }
  }

  /** Hands leadership over and ends requests under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await stopped(this.#node);
  }

  async #startNode({ startOver }: { startOver: boolean }): Promise<void> {
    const { raftListen: listenAddress, tls: files } = this.#options;
    const { ports, onFatal } = this.#parts;
    const tls = files && {
      cert: readPem(files.certFile),
      key: readPem(files.keyFile),
      ca: readPem(files.caFile),
    };
    const transport = new TcpTransport({ listenAddress, logger: ports.logger, tls });
    const handlers = { onFatal, onRemoved: () => this.#onRemoved() };
    this.#node = await new Promise<RaftNode>((resolve, reject) => {
      const options = { ...raftOptions(this.#options), startOver };
      RaftNode.start(options, { ...ports, transport }, handlers, (error, node) => {
        if (node === undefined) reject(error ?? new Error('the node did not start'));
        else resolve(node);
      });
    });
    this.#node.onAdvance((position) => this.#listeners.notify(position));
  }

  #onRemoved(): void {
    if (this.#options.join.length > 0 && !this.#hasJoined) void this.#startAnew();
    else {
      this.#parts.ports.logger.warn(
        'removed from the cluster: this node answers stale reads only; start it with -join to join again',
      );
    }
  }

  /** Joins as a new server: this one was removed while it was away. */
  async #startAnew(): Promise<void> {
    if (this.#node === undefined || this.#isStartingAnew || this.#stopping.signal.aborted) return;
    this.#isStartingAnew = true;
    try {
      await stopped(this.#node);
      await this.#startNode({ startOver: true });
      this.#isStartingAnew = false;
      await this.join();
    } catch (error) {
      this.#parts.onFatal(asError(error));
    }
  }
}

async function stopped(node: RaftNode | undefined): Promise<void> {
  await new Promise<void>((resolve) => (node === undefined ? resolve() : node.stop(resolve)));
}

/** Throws CodedError `tls_file_unreadable`. */
function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `cannot read ${file}: give a PEM file that this user may read`;
    throw new CodedError('tls_file_unreadable', message, { cause });
  }
}

function raftOptions(options: StartOptions): Omit<RaftOptions, 'startOver'> {
  const tickMs = options.heartbeatMs / TICKS_PER_HEARTBEAT;
  return {
    ...options,
    node: options.id,
    raftAddress: options.advertiseRaft,
    httpAddress: options.advertiseHttp,
    join: options.join.length > 0,
    tickMs,
    electionTicks: Math.round(options.electionTimeoutMs / tickMs),
    heartbeatTicks: TICKS_PER_HEARTBEAT,
    limits: {
      ...DEFAULT_LIMITS,
      compactAfterEntries: options.compactAfterEntries,
      keepEntries: Math.min(DEFAULT_LIMITS.keepEntries, Math.floor(options.compactAfterEntries / 5)),
    },
  };
}
