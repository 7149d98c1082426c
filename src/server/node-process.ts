// One node as a process: opens the disk, the network and the API, joins, and takes it all down again in order.

import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { NodeOptions } from '../config/flags.ts';
import { verifyRow } from '../engines/raft/node/log/durable-records.ts';
import { DEFAULT_LIMITS, type RaftOptions } from '../engines/raft/node/options.ts';
import type { KeyValueStore } from '../engines/raft/node/ports/key-value-store.ts';
import { RaftNode } from '../engines/raft/node/raft-node.ts';
import { openLmdbStore } from '../engines/raft/storage/open-store.ts';
import { wipeDataDirectory } from '../engines/raft/storage/wipe-data-directory.ts';
import type { TlsMaterial } from '../engines/raft/transport/sockets.ts';
import { TcpTransport } from '../engines/raft/transport/tcp-transport.ts';
import { applyCommand } from '../farm/apply.ts';
import { createApp } from '../http/app.ts';
import type { Address } from '../shared/address.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { Logger } from '../shared/logger.ts';
import { CryptoRandom, mintId } from './crypto-random.ts';
import { EngineSlot } from './engine-slot.ts';
import { joinCluster } from './joining.ts';
import { SystemClock } from './system-clock.ts';

/** Heartbeats and elections are counted in ticks of half a heartbeat. */
const TICKS_PER_HEARTBEAT = 2;
const PID_FILE = 'pid';
/** What a stop may take before the process ends all the same. */
const MAX_CLOSE_MS = 5_000;

export interface NodeProcessHandlers {
  /** The node ended by itself; the process should exit with 1. */
  onFatal(error: Error): void;
}

export class NodeProcess {
  readonly #options: NodeOptions;
  readonly #logger: Logger;
  readonly #handlers: NodeProcessHandlers;
  readonly #store: KeyValueStore;
  readonly #clock = new SystemClock();
  readonly #random = new CryptoRandom();
  readonly #aborted = new AbortController();
  #node: RaftNode | undefined;
  #slot: EngineSlot | undefined;
  #app: FastifyInstance | undefined;
  /** Once it was let in, a removal is meant: it stays out until it is started again. */
  #wasJoined = false;
  #isStartingAnew = false;

  /** Resolves when the node takes part and its API listens. Rejects with a CodedError whose message says what to do. */
  static async start(
    options: NodeOptions,
    logger: Logger,
    handlers: NodeProcessHandlers,
  ): Promise<NodeProcess> {
    if (options.clean) wipeDataDirectory(options.dataDirectory);
    const store = await openLmdbStore(options.dataDirectory, verifyRow);
    const process = new NodeProcess(options, { logger, store, handlers });
    try {
      await process.#open();
      return process;
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  private constructor(
    options: NodeOptions,
    parts: { logger: Logger; store: KeyValueStore; handlers: NodeProcessHandlers },
  ) {
    this.#options = options;
    this.#logger = parts.logger;
    this.#store = parts.store;
    this.#handlers = parts.handlers;
  }

  async #open(): Promise<void> {
    const node = await this.#startNode({ startOver: false });
    this.#slot = new EngineSlot(node);
    await this.#listen(this.#slot);
    await writeFile(this.#pidFile, `${process.pid}\n`);
    if (this.#options.join.length > 0) void this.#join();
  }

  async #startNode({ startOver }: { startOver: boolean }): Promise<RaftNode> {
    const { raftListen } = this.#options;
    const transport = new TcpTransport({
      listenAddress: raftListen,
      logger: this.#logger,
      tls: readTls(this.#options),
    });
    const ports = {
      store: this.#store,
      transport,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
      stateMachine: { apply: applyCommand },
    };
    const handlers = {
      onFatal: (error: Error) => this.#handlers.onFatal(error),
      onRemoved: () => this.#onRemoved(),
    };
    this.#node = await new Promise<RaftNode>((resolve, reject) => {
      RaftNode.start({ ...engineOptions(this.#options), startOver }, ports, handlers, (error, node) => {
        if (node === undefined) reject(error ?? new Error('the node did not start'));
        else resolve(node);
      });
    });
    return this.#node;
  }

  async #listen(engine: EngineSlot): Promise<void> {
    const { httpListen, advertiseRaft, advertiseHttp } = this.#options;
    const app = createApp({
      engine,
      wallClock: () => this.#clock.wallClock(),
      soon: (callback) => this.#clock.soon(callback),
      mintId,
      version: readVersion(),
      addresses: { raft: advertiseRaft, http: advertiseHttp },
      logger: this.#logger,
      onInternalError: (error) => {
        if (isFatal(error)) this.#handlers.onFatal(error);
      },
    });
    this.#app = app;
    app.server.on('connection', () => this.#clock.turnEnds.connected());
    try {
      await listen(app, httpListen);
    } catch (cause) {
      throw listenError(this.#options, cause);
    }
  }

  // ------------------------------------------------------------ joining

  async #join(): Promise<void> {
    const result = await joinCluster(
      {
        members: this.#options.join,
        node: this.#options.id,
        raftAddress: this.#options.advertiseRaft,
        httpAddress: this.#options.advertiseHttp,
      },
      { logger: this.#logger, signal: this.#aborted.signal },
    );
    if (result.kind === 'joined') {
      this.#wasJoined = true;
      this.#logger.info('this node is a member', { role: result.role });
    } else if (result.kind === 'refused' && result.code === 'removed_server') await this.#startAnew();
    else if (result.kind === 'refused') {
      this.#handlers.onFatal(new CodedError(result.code, `the cluster refused this node: ${result.detail}`));
    }
  }

  #onRemoved(): void {
    if (this.#options.join.length === 0 || this.#wasJoined) {
      this.#logger.warn('removed: this node answers stale reads only; start it with -join to join again');
      return;
    }
    void this.#startAnew();
  }

  /** A server that was removed while it was away, and was asked to join: it comes back as a new server. */
  async #startAnew(): Promise<void> {
    const old = this.#node;
    if (old === undefined || this.#isStartingAnew || this.#aborted.signal.aborted) return;
    this.#isStartingAnew = true;
    try {
      await new Promise<void>((resolve) => old.stop(resolve));
      this.#slot?.replace(await this.#startNode({ startOver: true }));
      this.#isStartingAnew = false;
      await this.#join();
    } catch (error) {
      this.#handlers.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  // ------------------------------------------------------------ the end

  /** Hands leadership over, answers what is under way, then closes API, connections and disk, in that order. */
  async stop(): Promise<void> {
    this.#aborted.abort();
    const node = this.#node;
    if (node !== undefined) await bounded(new Promise<void>((resolve) => node.stop(resolve)));
    if (this.#app !== undefined) await bounded(this.#app.close());
    await rm(this.#pidFile, { force: true });
    await bounded(new Promise<void>((resolve) => this.#store.close(resolve)));
  }

  get #pidFile(): string {
    return path.join(this.#options.dataDirectory, PID_FILE);
  }
}

function engineOptions(options: NodeOptions): RaftOptions {
  const tickMs = options.heartbeatMs / TICKS_PER_HEARTBEAT;
  return {
    node: options.id,
    raftAddress: options.advertiseRaft,
    httpAddress: options.advertiseHttp,
    bootstrap: options.bootstrap,
    join: options.join.length > 0,
    startOver: false,
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

function readTls({ tls }: NodeOptions): TlsMaterial | undefined {
  if (tls === undefined) return undefined;
  return {
    certificate: readPem(tls.certFile),
    key: readPem(tls.keyFile),
    authority: readPem(tls.caFile),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CodedError(
      'tls_file_unreadable',
      `cannot read ${file}: give a PEM file that this user may read`,
      {
        cause,
      },
    );
  }
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Without a host: every address of this machine, also where it has no IPv6. */
async function listen(app: FastifyInstance, { host, port }: Address): Promise<void> {
  try {
    await app.listen({ port, host: host === '' ? '::' : host });
  } catch (error) {
    const { code } = error as { code?: string };
    if (host !== '' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await app.listen({ port, host: '0.0.0.0' });
  }
}

/** What a read finds that the node cannot go on with. */
const FATAL_CODES = ['record_damaged', 'log_damaged', 'store_damaged', 'storage_failed'];

function isFatal(error: unknown): error is CodedError {
  return error instanceof CodedError && FATAL_CODES.includes(error.code);
}

function listenError({ httpListen }: NodeOptions, cause: unknown): CodedError {
  const { code } = cause as { code?: string };
  const address = `${httpListen.host}:${httpListen.port}`;
  if (code === 'EADDRINUSE') {
    return new CodedError(
      'address_in_use',
      `${address} is in use: stop what listens there, or choose another -http`,
      {
        cause,
      },
    );
  }
  return new CodedError(
    'listen_failed',
    `cannot listen on ${address} (${code ?? String(cause)}): choose another -http`,
    {
      cause,
    },
  );
}

/** Waits for `promise`, but not for ever. */
async function bounded(promise: PromiseLike<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_CLOSE_MS);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
