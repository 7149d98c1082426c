// The process: flags, logs, one node, signals. Exit codes: 0 stopped when asked, 1 could not start or go on, 2 usage.

import zlib from 'node:zlib';
import { type NodeOptions, parseCommandLine } from '../config/flags.ts';
import { type Crc32, leaveLongChecksumsTo } from '../engines/raft/codec/crc32.ts';
import { CodedError } from '../shared/coded-error.ts';
import { type Logging, startLogging } from './logging.ts';
import { NodeProcess } from './node-process.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Ends when the node runs, or cannot; the process goes on as long as the node does. */
export async function runNode(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;
  // Ten times as fast. The first ones of Node 20 do not have it.
  leaveLongChecksumsTo((zlib as { crc32?: Crc32 }).crc32);
  let logging: Logging;
  try {
    logging = startLogging({ node: options.id, ...options });
  } catch (error) {
    fail(error);
    return;
  }
  const { logger } = logging;
  let isEnding = false;
  const end = (exitCode: number): void => {
    process.exitCode = exitCode;
    logging.close(() => process.exit());
  };
  const onFatal = (error: Error): void => {
    if (isEnding) return;
    isEnding = true;
    logger.error(`stopped: ${error.message}`, { error });
    void running?.stop().finally(() => end(EXIT_FAILED));
    if (running === undefined) end(EXIT_FAILED);
  };
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', (reason) =>
    onFatal(reason instanceof Error ? reason : new Error(String(reason))),
  );
  let running: NodeProcess | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (isEnding) process.exit(EXIT_FAILED);
    isEnding = true;
    logger.info('stopping', { signal });
    const stopped = running?.stop() ?? Promise.resolve();
    void stopped.then(() => {
      logger.info('stopped');
      end(0);
    });
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    running = await NodeProcess.start(options, logger, { onFatal });
    logger.info('ready', {
      http: options.advertiseHttp,
      raft: options.advertiseRaft,
      data: options.dataDirectory,
    });
  } catch (error) {
    if (isEnding) return;
    isEnding = true;
    logger.error(`cannot start: ${error instanceof Error ? error.message : String(error)}`, { error });
    end(EXIT_FAILED);
  }
}

function readOptions(): NodeOptions | undefined {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.kind === 'run') return commandLine.options;
    process.stdout.write(commandLine.usage);
  } catch (error) {
    const isUsage = error instanceof CodedError && error.code === 'usage';
    process.stderr.write(`raft3d: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
  return undefined;
}

function fail(error: unknown): void {
  process.stderr.write(`raft3d: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = EXIT_FAILED;
}
