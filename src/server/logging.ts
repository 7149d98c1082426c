// Where log lines go: readable lines on the console, one JSON object a line in the node's file.

import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import type { LogLevel } from '../cli/flag-reader.ts';
import type { LogFields, Logger } from '../node/ports.ts';
import { CodedError } from '../shared/coded-error.ts';
import { formatConsoleLine, type LogLine } from './console-line.ts';
import { RotatingFile } from './rotating-file.ts';

export interface LoggingOptions {
  /** The node's id, on every line. */
  readonly node: string;
  /** Its directory is made when it is missing. */
  readonly logFile: string;
  readonly consoleLevel: LogLevel;
  readonly fileLevel: LogLevel;
  /** Standard output, except in tests. */
  readonly console?: ConsoleStream;
}

export interface ConsoleStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

export interface Logging {
  readonly logger: Logger;
  /** Writes what waits at once; also done by itself when the process exits. */
  flushSync(): void;
  /** Writes what waits and releases the file. Later lines go to the console only. */
  close(done: () => void): void;
}

const MAX_FILE_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 5;
/** Keys that every line has: a caller's field of that name is renamed, never put there twice. */
const RESERVED_FIELDS = ['level', 'time', 'node', 'msg'];

/** Opens the log file. CodedError `log_directory_unusable` when it cannot be made or written. */
export function startLogging(options: LoggingOptions): Logging {
  const console = consoleStream(options.console ?? process.stdout);
  const file = openFile(options, (error) => {
    // The file is what failed, so this goes to the console alone.
    console.write(
      JSON.stringify({
        level: 'error',
        time: new Date().toISOString(),
        node: options.node,
        msg: 'the log file cannot be written; lines are lost until it can',
        file: options.logFile,
        error: error.message,
      }),
    );
  });
  const flushSync = (): void => file.flushSync();
  process.on('exit', flushSync);
  const sinks = pino.multistream([
    { stream: console, level: options.consoleLevel },
    { stream: { write: (line) => file.write(line) }, level: options.fileLevel },
  ]);
  const lines = pino(
    {
      level: lowerOf(options.consoleLevel, options.fileLevel),
      base: { node: options.node },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
    },
    sinks,
  );
  return {
    logger: loggerOver(lines),
    flushSync,
    close: (done) => {
      process.off('exit', flushSync);
      file.close(done);
    },
  };
}

let formatted = { ms: 0, text: '' };

/** Lines of one millisecond share the work. */
function isoTime(): string {
  const ms = Date.now();
  if (ms !== formatted.ms) formatted = { ms, text: `,"time":"${new Date(ms).toISOString()}"` };
  return formatted.text;
}

function openFile(options: LoggingOptions, onTrouble: (error: Error) => void): RotatingFile {
  try {
    return new RotatingFile(options.logFile, { maxBytes: MAX_FILE_BYTES, keptFiles: KEPT_FILES, onTrouble });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(
      'log_directory_unusable',
      `cannot write the log file ${options.logFile}: make its directory writable, or choose another with -logs (${reason})`,
      { fields: { file: options.logFile }, cause },
    );
  }
}

function consoleStream(out: ConsoleStream): DestinationStream {
  const colour = out.isTTY === true;
  let open = true;
  // Whoever read our output may be gone: the node goes on without a console.
  out.on?.('error', () => {
    open = false;
  });
  return {
    write: (json) => {
      if (open) out.write(formatConsoleLine(JSON.parse(json) as LogLine, { colour }));
    },
  };
}

function loggerOver(lines: PinoLogger): Logger {
  return {
    debug: (message, fields) => lines.debug(ownFields(fields), message),
    info: (message, fields) => lines.info(ownFields(fields), message),
    warn: (message, fields) => lines.warn(ownFields(fields), message),
    error: (message, fields) => lines.error(ownFields(fields), message),
  };
}

function ownFields(fields: LogFields | undefined): LogFields {
  if (fields === undefined) return {};
  if (!RESERVED_FIELDS.some((name) => name in fields)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      RESERVED_FIELDS.includes(name) ? `${name}_` : name,
      value,
    ]),
  );
}

function lowerOf(a: LogLevel, b: LogLevel): LogLevel {
  return (pino.levels.values[a] ?? 0) < (pino.levels.values[b] ?? 0) ? a : b;
}
