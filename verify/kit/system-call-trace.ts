// The file system calls of a process, as recorded by strace(1): every write with its bytes, every flush, in
// order.

import { spawn } from 'node:child_process';
import fs from 'node:fs';

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev'];
const TRACED = [
  ...WRITES,
  ...['openat', 'lseek', 'ftruncate', 'mkdir', 'rename', 'unlink', 'rmdir', 'fsync', 'fdatasync', 'msync'],
  // The reader does not support these, and must fail when they occur.
  ...[
    'mkdirat',
    'renameat',
    'renameat2',
    'unlinkat',
    'fallocate',
    'pwritev2',
    'link',
    'linkat',
    'sync_file_range',
  ],
];
/** Longest string in the trace, longer than any write here. */
const MAX_STRING_BYTES = 16 * 1024 * 1024;

/** The begin or the end of a call. A line of an uninterrupted call gives both. */
export interface TracedCall {
  readonly phase: 'begin' | 'end';
  readonly thread: number;
  readonly name: string;
  /** The descriptor argument. */
  readonly descriptor: number | undefined;
  /** The descriptor's file, or the path arguments. */
  readonly paths: readonly string[];
  /** The bytes of a write. */
  readonly bytes: Buffer;
  /** The arguments after the descriptor and the bytes: numbers and names of flags. */
  readonly rest: string;
  /** The kernel's result, at the end of the call; -1 for an error. */
  readonly result: number;
}

/** Runs a command to its end under strace and writes the trace to `file`. Returns the exit code. */
export function trace(
  command: readonly string[],
  options: { file: string; directory: string },
): Promise<number | null> {
  const strace = [
    '-f',
    '-y',
    '-xx',
    '-s',
    `${MAX_STRING_BYTES}`,
    '-o',
    options.file,
    '-e',
    `trace=${TRACED.join(',')}`,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('strace', [...strace, ...command], {
      cwd: options.directory,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

export function readTrace(file: string): TracedCall[] {
  const calls: TracedCall[] = [];
  /** Begins of calls that another thread interrupted, by thread. */
  const begun = new Map<number, string>();
  for (const line of fs.readFileSync(file, 'latin1').split('\n')) {
    const [, threadText, text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const thread = Number(threadText);
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1];
    if (unfinished !== undefined) {
      begun.set(thread, unfinished);
      calls.push(...parsed(thread, unfinished, 'begin'));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (resumed === undefined) calls.push(...parsed(thread, text, 'begin'));
    const whole = resumed === undefined ? text : `${begun.get(thread) ?? ''}${resumed}`;
    calls.push(...parsed(thread, whole, 'end'));
  }
  return calls;
}

/** Returns an empty list for a line without a call: a signal, or the end of a thread. */
function parsed(thread: number, text: string, phase: 'begin' | 'end'): TracedCall[] {
  const [, name, beyond = ''] = /^(\w+)\((.*)$/.exec(text) ?? [];
  if (name === undefined) return [];
  const [, args = beyond, result = '-1'] = /^(.*)\) += (-?\d+)/.exec(beyond) ?? [];
  const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) => unescaped(match[1] ?? ''));
  const [, descriptor, path] = /^(\d+)<([^>]*)>/.exec(args) ?? [];
  const isWrite = WRITES.includes(name);
  const given = isWrite ? [] : strings.map((bytes) => bytes.toString());
  return [
    {
      phase,
      thread,
      name,
      descriptor: descriptor === undefined ? undefined : Number(descriptor),
      paths: path === undefined ? given : [unescaped(path).toString()],
      bytes: isWrite ? Buffer.concat(strings) : Buffer.alloc(0),
      rest: args.slice(Math.max(args.lastIndexOf('"'), args.lastIndexOf('>'), args.lastIndexOf(']')) + 1),
      result: Number(result),
    },
  ];
}

function unescaped(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}
