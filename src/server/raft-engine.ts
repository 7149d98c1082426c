// The Raft engine of this process: started, brought into its cluster, and started anew after a removal.

import type { StartOptions } from '../config/flags.ts';
import { DEFAULT_LIMITS, type RaftOptions } from '../engines/raft/node/options.ts';
import { type NodePorts, RaftNode } from '../engines/raft/node/raft-node.ts';
import { TcpTransport } from '../engines/raft/transport/tcp-transport.ts';
import { CodedError } from '../shared/coded-error.ts';
import { EngineSlot } from './engine-slot.ts';
import { joinCluster } from './joining.ts';
import { readTlsFiles } from './tls-files.ts';

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
  #node: RaftNode | undefined;
  #slot: EngineSlot | undefined;
  /** After a join a removal is meant: this node stays out until its next start. */
  #hasJoined = false;
  #isStartingAnew = false;

  constructor(options: StartOptions, parts: RaftEngineParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Starts the node and returns the engine for the API, which stays the same when the node starts anew. */
  async start(): Promise<EngineSlot> {
    this.#slot = new EngineSlot(await this.#startNode({ startOver: false }));
    return this.#slot;
  }

  /** Asks the members of -join until one lets this node in; resolves at once without -join. */
  async join(): Promise<void> {
    if (this.#options.join.length === 0) return;
    const { logger } = this.#parts.ports;
    const result = await joinCluster(
      {
        members: this.#options.join,
        node: this.#options.id,
        raftAddress: this.#options.advertiseRaft,
        httpAddress: this.#options.advertiseHttp,
      },
      { logger, signal: this.#stopping.signal },
    );
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
  stop(): Promise<void> {
    this.#stopping.abort();
    return stopped(this.#node);
  }

  async #startNode({ startOver }: { startOver: boolean }): Promise<RaftNode> {
    const { raftListen, tls } = this.#options;
    const { ports, onFatal } = this.#parts;
    const transport = new TcpTransport({
      listenAddress: raftListen,
      logger: ports.logger,
      tls: tls && readTlsFiles(tls),
    });
    const handlers = { onFatal, onRemoved: () => this.#onRemoved() };
    this.#node = await new Promise<RaftNode>((resolve, reject) => {
      const options = { ...raftOptions(this.#options), startOver };
      RaftNode.start(options, { ...ports, transport }, handlers, (error, node) => {
        if (node === undefined) reject(error ?? new Error('the node did not start'));
        else resolve(node);
      });
    });
    return this.#node;
  }

  #onRemoved(): void {
    if (this.#options.join.length === 0 || this.#hasJoined) {
      this.#parts.ports.logger.warn(
        'removed from the cluster: this node answers stale reads only; start it with -join to join again',
      );
      return;
    }
    void this.#startAnew();
  }

  /** Joins as a new server: this one was removed while it was away. */
  async #startAnew(): Promise<void> {
    const old = this.#node;
    if (old === undefined || this.#isStartingAnew || this.#stopping.signal.aborted) return;
    this.#isStartingAnew = true;
    try {
      await stopped(old);
      this.#slot?.replace(await this.#startNode({ startOver: true }));
      this.#isStartingAnew = false;
      await this.join();
    } catch (error) {
      this.#parts.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function stopped(node: RaftNode | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (node === undefined) resolve();
    else node.stop(resolve);
  });
}

function raftOptions(options: StartOptions): Omit<RaftOptions, 'startOver'> {
  const tickMs = options.heartbeatMs / TICKS_PER_HEARTBEAT;
  return {
    node: options.id,
    raftAddress: options.advertiseRaft,
    httpAddress: options.advertiseHttp,
    bootstrap: options.bootstrap,
    join: options.join.length > 0,
    tickMs,
    electionTicks: Math.round(options.electionTimeoutMs / tickMs),
    heartbeatTicks: TICKS_PER_HEARTBEAT,
    removeDeadAfterMs: options.removeDeadAfterMs,
    newMemberGraceMs: options.newMemberGraceMs,
    minVoters: options.minVoters,
    limits: {
      ...DEFAULT_LIMITS,
      compactAfterEntries: options.compactAfterEntries,
      keepEntries: Math.min(DEFAULT_LIMITS.keepEntries, Math.floor(options.compactAfterEntries / 5)),
    },
  };
}
