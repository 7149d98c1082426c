// Writes log lines: readable ones to the console, one JSON object a line to the node's file.

import { LOG_LEVELS, type LogLevel } from '../config/flag-reader.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { LogFields, Logger } from '../shared/logger.ts';
import { formatConsoleLine, type LogLine } from './console-line.ts';
import { formatLogLine } from './log-line.ts';
import { RotatingFile } from './rotating-file.ts';

export interface LoggingOptions {
  /** The node's id, which every line has. */
  readonly node: string;
  /** Its directory is created when it is missing. */
  readonly logFile: string;
  readonly consoleLevel: LogLevel;
  readonly fileLevel: LogLevel;
  /** Standard output unless a test gives another stream. */
  readonly console?: ConsoleStream;
}

interface ConsoleStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

export interface Logging {
  readonly logger: Logger;
  /** Writes the waiting lines at once. The exit of the process does so too. */
  flushSync(): void;
  /** Writes the waiting lines and closes the file. Later lines go to the console only. */
  close(done: () => void): void;
}

const MAX_FILE_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 5;
const NO_FIELDS: LogFields = {};

type LineWriter = (message: string, fields?: LogFields) => void;

/** Opens the log file. Throws CodedError `log_directory_unusable` when it cannot be created or written. */
export function startLogging(options: LoggingOptions): Logging {
  const showOnConsole = consoleWriter(options.console ?? process.stdout);
  const nodeText = `"node":${JSON.stringify(options.node)}`;
  const file = openFile(options, (error) => {
    // The file has failed, so this line goes to the console only.
    const message = 'the log file cannot be written: lines are lost until the disk takes them again';
    const fields = { file: options.logFile, error: error.message };
    showOnConsole(formatLogLine(`{"level":"error"${timeText()},${nodeText}`, message, fields));
  });
  const flushSync = (): void => file.flushSync();
  process.on('exit', flushSync);
  const writer = (level: LogLevel): LineWriter => {
    const isShown = isAtLeast(level, options.consoleLevel);
    const isKept = isAtLeast(level, options.fileLevel);
    if (!isShown && !isKept) return () => undefined;
    const levelText = `{"level":"${level}"`;
    return (message, fields = NO_FIELDS) => {
      const line = formatLogLine(`${levelText}${timeText()},${nodeText}`, message, fields);
      if (isShown) showOnConsole(line);
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

/** The time of now as a field. Lines of one millisecond share its text. */
function timeText(): string {
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

function consoleWriter(out: ConsoleStream): (line: string) => void {
  const colour = out.isTTY === true;
  let isOpen = true;
  // The reader of a pipe may end: then the node goes on without a console.
  out.on?.('error', () => {
    isOpen = false;
  });
  return (line) => {
    if (isOpen) out.write(formatConsoleLine(JSON.parse(line) as LogLine, { colour }));
  };
}

function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
