// One node as a process: opens disk, engine and API in this order, joins, and closes them again.

import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { StartOptions } from '../config/flags.ts';
import { verifyRow } from '../engines/raft/node/log/durable-records.ts';
import { openLmdbStore, wipeDataDirectory } from '../engines/raft/storage/open-store.ts';
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

export interface RunningNode {
  /** Stops the engine, then closes the API, with its answers under way, and the disk. */
  stop(): Promise<void>;
}

/** Resolves when the API listens. Rejects with a CodedError whose message says what to do. */
export async function startNode(
  options: StartOptions,
  { logger, onFatal }: NodeProcessParts,
): Promise<RunningNode> {
  if (options.clean) wipeDataDirectory(options.dataDirectory);
  const store = await openLmdbStore(options.dataDirectory, verifyRow);
  const clock = new SystemClock();
  const stateMachine = { apply: applyCommand };
  const raft = new RaftEngine(options, {
    ports: { store, clock, random: new CryptoRandom(), logger, stateMachine },
    onFatal,
  });
  const pidFile = path.join(options.dataDirectory, PID_FILE);
  let app: FastifyInstance | undefined;
  const stop = async (): Promise<void> => {
    await bounded(raft.stop());
    await bounded(app?.close());
    await rm(pidFile, { force: true });
    await bounded(new Promise<void>((resolve) => store.close(resolve)));
  };
  try {
    app = createApp({
      engine: await raft.start(),
      wallClock: () => clock.wallClock(),
      soon: (callback) => clock.soon(callback),
      mintId,
      version: readVersion(),
      addresses: { raft: options.advertiseRaft, http: options.advertiseHttp },
      logger,
      onInternalError: (error) => {
        if (error instanceof CodedError && FATAL_CODES.includes(error.code)) onFatal(error);
      },
    });
    app.server.on('connection', () => clock.turnEnds.connected());
    await listen(app, options.httpListen);
    await writeFile(pidFile, `${process.pid}\n`);
    void raft.join();
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Waits for `promise`, but at most MAX_CLOSE_MS. */
async function bounded(promise: PromiseLike<unknown> | undefined): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, sleep(MAX_CLOSE_MS, undefined, { signal: over.signal })]).finally(() =>
    over.abort(),
  );
}
