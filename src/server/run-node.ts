// The process of a node: flags, logs, one node, signals.
// Exit codes: 0 stopped as asked, 1 cannot start or go on, 2 a mistake on the command line.

import zlib from 'node:zlib';
import { parseCommandLine, type StartOptions } from '../config/flags.ts';
import { type Crc32, leaveLongChecksumsTo } from '../engines/raft/codec/crc32.ts';
import { CodedError } from '../shared/coded-error.ts';
import { type Logging, startLogging } from './logging.ts';
import { NodeProcess } from './node-process.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Resolves when the node runs or has failed to start. The process then lives as long as the node. */
export async function runNode(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;
  // Ten times as fast as ours. The first releases of Node.js 20 lack it.
  leaveLongChecksumsTo((zlib as { crc32?: Crc32 }).crc32);
  const logging = openLogs(options);
  if (logging === undefined) return;
  const { logger } = logging;
  let node: NodeProcess | undefined;
  let isEnding = false;
  const end = (exitCode: number): void => {
    process.exitCode = exitCode;
    logging.close(() => process.exit());
  };
  const onFatal = (error: Error): void => {
    if (isEnding) return;
    isEnding = true;
    logger.error(`stopped: ${error.message}`, { error });
    void node?.stop().finally(() => end(EXIT_FAILED));
    if (node === undefined) end(EXIT_FAILED);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isEnding) process.exit(EXIT_FAILED);
    isEnding = true;
    logger.info('stopping', { signal });
    const stopped = node?.stop() ?? Promise.resolve();
    void stopped.then(() => {
      logger.info('stopped');
      end(0);
    });
  };
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', (reason) => onFatal(asError(reason)));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    node = await NodeProcess.start(options, { logger, onFatal });
    logger.info('ready', {
      http: options.advertiseHttp,
      raft: options.advertiseRaft,
      data: options.dataDirectory,
    });
  } catch (error) {
    if (isEnding) return;
    isEnding = true;
    logger.error(`cannot start: ${asError(error).message}`, { error });
    end(EXIT_FAILED);
  }
}

/** Undefined after a mistake, which is then on stderr, and after -h. */
function readOptions(): StartOptions | undefined {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.kind === 'run') return commandLine.options;
    process.stdout.write(commandLine.usage);
  } catch (error) {
    fail(error);
    if (error instanceof CodedError && error.code === 'usage') process.exitCode = EXIT_USAGE;
  }
  return undefined;
}

function openLogs(options: StartOptions): Logging | undefined {
  try {
    return startLogging({ node: options.id, ...options });
  } catch (error) {
    fail(error);
    return undefined;
  }
}

function fail(error: unknown): void {
  process.stderr.write(`raft3d: ${asError(error).message}\n`);
  process.exitCode = EXIT_FAILED;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
