// Formats a log line for the console: `[12:34:56.789] [node1] INFO  became leader term=3`.

import type { LogLevel } from '../config/flag-reader.ts';

const LEVEL_COLOURS: Readonly<Record<LogLevel, number>> = { debug: 90, info: 32, warn: 33, error: 31 };
const DIM = 90;
const CYAN = 36;

/** The fields of every line, and those of the caller. */
export interface LogLine {
  readonly level: LogLevel;
  /** ISO 8601. */
  readonly time: string;
  readonly node: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Returns one line with its line feed. At level `error` the indented stack of each error follows. */
export function formatConsoleLine(line: LogLine, options: { colour: boolean }): string {
  const paint = (code: number, text: string): string =>
    options.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  const { level, time, node, msg, ...fields } = line;
  const head = [
    paint(DIM, `[${clockTime(time)}]`),
    paint(CYAN, `[${node}]`),
    paint(LEVEL_COLOURS[level], level.toUpperCase().padEnd(5)),
    msg,
  ];
  const pairs = Object.entries(fields).map(([key, value]) => `${paint(DIM, `${key}=`)}${formatValue(value)}`);
  const stacks = level === 'error' ? Object.values(fields).map(stackOf) : [];
  return `${[...head, ...pairs].join(' ')}\n${stacks.join('')}`;
}

/** The local time of day with milliseconds. */
function clockTime(iso: string): string {
  return `${new Date(iso).toTimeString().slice(0, 8)}.${iso.slice(20, 23)}`;
}

/** Returns JSON for a value that would be misread without quotes, or would break the line. */
function formatValue(value: unknown): string {
  if (isSerializedError(value)) return JSON.stringify(value.message);
  if (typeof value === 'string' && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  return JSON.stringify(value) ?? 'undefined';
}

function stackOf(value: unknown): string {
  return isSerializedError(value) ? `${value.stack.replace(/^[ \t]*/gm, '    ')}\n` : '';
}

function isSerializedError(value: unknown): value is { message: string; stack: string } {
  const { message, stack } = (value ?? {}) as { message?: unknown; stack?: unknown };
  return typeof message === 'string' && typeof stack === 'string';
}
