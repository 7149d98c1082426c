// The process of a node: flags, logs, one node, signals.
// Exit codes: 0 stopped as asked, 1 cannot start or go on, 2 a mistake on the command line.

import zlib from 'node:zlib';
import { parseCommandLine, type StartOptions } from '../config/flags.ts';
import { type Crc32, leaveLongChecksumsTo } from '../engines/raft/codec/crc32.ts';
import { asError, CodedError } from '../shared/coded-error.ts';
import { type Logging, startLogging } from './logging.ts';
import { type RunningNode, startNode } from './node-process.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Resolves when the node runs or has failed to start. The process then lives as long as the node. */
export async function runNode(): Promise<void> {
  const prepared = prepare();
  if (prepared === undefined) return;
  const { options, logging } = prepared;
  const { logger } = logging;
  // Ten times as fast as ours. The first releases of Node.js 20 lack it.
  leaveLongChecksumsTo((zlib as { crc32?: Crc32 }).crc32);
  let node: RunningNode | undefined;
  let isEnding = false;
  const end = async (exitCode: number): Promise<void> => {
    isEnding = true;
    process.exitCode = EXIT_FAILED;
    try {
      await node?.stop();
      process.exitCode = exitCode;
      if (exitCode === 0) logger.info('stopped');
    } finally {
      await logging.close().finally(() => process.exit());
    }
  };
  const onFatal = (error: Error): void => {
    if (isEnding) return;
    logger.error(`stopped: ${error.message}`, { error });
    void end(EXIT_FAILED);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isEnding) process.exit(EXIT_FAILED);
    logger.info('stopping', { signal });
    void end(0);
  };
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', (reason) => onFatal(asError(reason)));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    node = await startNode(options, { logger, onFatal });
    const { advertiseHttp: http, advertiseRaft: raft, dataDirectory: data } = options;
    logger.info('ready', { http, raft, data });
  } catch (error) {
    if (isEnding) return;
    logger.error(`cannot start: ${asError(error).message}`, { error });
    await end(EXIT_FAILED);
  }
}

/** Undefined after a mistake, which is then on stderr, and after -h. */
function prepare(): { options: StartOptions; logging: Logging } | undefined {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.kind === 'help') process.stdout.write(commandLine.usage);
    else {
      const { options } = commandLine;
      return { options, logging: startLogging({ node: options.id, ...options }) };
    }
  } catch (error) {
    process.stderr.write(`raft3d: ${asError(error).message}\n`);
    process.exitCode = error instanceof CodedError && error.code === 'usage' ? EXIT_USAGE : EXIT_FAILED;
  }
  return undefined;
}
