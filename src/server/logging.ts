// Where log lines go: readable lines on the console, one JSON object a line in the node's file.

import { type DestinationStream, pino } from 'pino';
import type { LogLevel } from '../config/flag-reader.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { LogFields, Logger } from '../shared/logger.ts';
import { formatConsoleLine, type LogLine } from './console-line.ts';
import { plainLine, RESERVED_FIELDS } from './log-line.ts';
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
const NO_FIELDS: LogFields = {};

type LineWriter = (message: string, fields?: LogFields) => void;

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
  const base = { node: options.node };
  const sinks = pino.multistream([
    { stream: console, level: options.consoleLevel },
    { stream: { write: (line) => file.write(line) }, level: options.fileLevel },
  ]);
  const lines = pino(
    {
      level: lowerOf(options.consoleLevel, options.fileLevel),
      base,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
    },
    sinks,
  );
  const writer = (level: LogLevel): LineWriter => {
    const isShown = isAtLeast(level, options.consoleLevel);
    const isKept = isAtLeast(level, options.fileLevel);
    if (!isShown && !isKept) return () => undefined;
    const levelText = `{"level":"${level}"`;
    const nodeText = JSON.stringify(base).slice(1, -1);
    return (message, fields = NO_FIELDS) => {
      const line = plainLine(`${levelText}${isoTime()},${nodeText}`, message, fields);
      if (line === undefined) {
        lines[level](ownFields(fields), message);
        return;
      }
      if (isShown) console.write(line);
      if (isKept) file.write(line);
    };
  };
  return {
    logger: { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') },
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

/** A caller's field with the name of one that every line has is renamed. */
function ownFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [RESERVED_FIELDS.has(name) ? `${name}_` : name, value]),
  );
}

function lowerOf(a: LogLevel, b: LogLevel): LogLevel {
  return isAtLeast(a, b) ? b : a;
}

function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return (pino.levels.values[level] ?? 0) >= (pino.levels.values[least] ?? 0);
}
