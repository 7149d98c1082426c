// One node as a process: opens disk, engine and API in this order, joins, and closes them again.

import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { StartOptions } from '../config/flags.ts';
import type { Engine } from '../engines/engine.ts';
import { verifyRow } from '../engines/raft/node/log/durable-records.ts';
import type { KeyValueStore } from '../engines/raft/node/ports/key-value-store.ts';
import { openLmdbStore } from '../engines/raft/storage/open-store.ts';
import { wipeDataDirectory } from '../engines/raft/storage/wipe-data-directory.ts';
import { applyCommand } from '../farm/apply.ts';
import { createApp } from '../http/app.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { Logger } from '../shared/logger.ts';
import { CryptoRandom, mintId } from './crypto-random.ts';
import { listen } from './listen.ts';
import { RaftEngine } from './raft-engine.ts';
import { SystemClock } from './system-clock.ts';

const PID_FILE = 'pid';
/** Each part of a stop may take this long; then the process ends without it. */
const MAX_CLOSE_MS = 5_000;
/** Errors of a read after which the node cannot go on. */
const FATAL_CODES = ['record_damaged', 'log_damaged', 'store_damaged', 'storage_failed'];

interface NodeProcessParts {
  readonly logger: Logger;
  /** The node ended by itself; the process should exit with 1. */
  onFatal(error: Error): void;
}

export class NodeProcess {
  readonly #options: StartOptions;
  readonly #parts: NodeProcessParts;
  readonly #store: KeyValueStore;
  readonly #clock = new SystemClock();
  readonly #engine: RaftEngine;
  #app: FastifyInstance | undefined;

  /** Resolves when the API listens. Rejects with a CodedError whose message says what to do. */
  static async start(options: StartOptions, parts: NodeProcessParts): Promise<NodeProcess> {
    if (options.clean) wipeDataDirectory(options.dataDirectory);
    const store = await openLmdbStore(options.dataDirectory, verifyRow);
    const node = new NodeProcess(options, parts, store);
    try {
      await node.#open();
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  private constructor(options: StartOptions, parts: NodeProcessParts, store: KeyValueStore) {
    this.#options = options;
    this.#parts = parts;
    this.#store = store;
    const random = new CryptoRandom();
    const stateMachine = { apply: applyCommand };
    this.#engine = new RaftEngine(options, {
      ports: { store, clock: this.#clock, random, logger: parts.logger, stateMachine },
      onFatal: (error) => parts.onFatal(error),
    });
  }

  async #open(): Promise<void> {
    this.#app = this.#createApp(await this.#engine.start());
    await listen(this.#app, this.#options.httpListen);
    await writeFile(this.#pidFile, `${process.pid}\n`);
    void this.#engine.join();
  }

  #createApp(engine: Engine): FastifyInstance {
    const app = createApp({
      engine,
      wallClock: () => this.#clock.wallClock(),
      soon: (callback) => this.#clock.soon(callback),
      mintId,
      version: readVersion(),
      addresses: { raft: this.#options.advertiseRaft, http: this.#options.advertiseHttp },
      logger: this.#parts.logger,
      onInternalError: (error) => {
        if (isFatal(error)) this.#parts.onFatal(error);
      },
    });
    app.server.on('connection', () => this.#clock.turnEnds.connected());
    return app;
  }

  /** Stops the engine, then closes the API, with its answers under way, and the disk. */
  async stop(): Promise<void> {
    await bounded(this.#engine.stop());
    if (this.#app !== undefined) await bounded(this.#app.close());
    await rm(this.#pidFile, { force: true });
    await bounded(new Promise<void>((resolve) => this.#store.close(resolve)));
  }

  get #pidFile(): string {
    return path.join(this.#options.dataDirectory, PID_FILE);
  }
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function isFatal(error: unknown): error is CodedError {
  return error instanceof CodedError && FATAL_CODES.includes(error.code);
}

/** Waits for `promise`, but at most MAX_CLOSE_MS. */
async function bounded(promise: PromiseLike<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_CLOSE_MS);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
