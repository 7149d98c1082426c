// What a process asks of the kernel's files, as strace(1) sees it: every write with its bytes, every flush, in order.

import { spawn } from 'node:child_process';
import fs from 'node:fs';

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev'];
const TRACED = [
  ...WRITES,
  ...['openat', 'lseek', 'ftruncate', 'mkdir', 'rename', 'unlink', 'rmdir', 'fsync', 'fdatasync', 'msync'],
  // Not understood by the reader of the trace, who must notice them.
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
/** Strings are shown up to so many bytes: more than any write here. */
const MAX_STRING_BYTES = 16 * 1024 * 1024;

/** One line of the trace: a call that begins, or one that ends. One that was not interrupted gives both. */
export interface TracedCall {
  readonly phase: 'begin' | 'end';
  readonly thread: number;
  readonly name: string;
  /** The descriptor that it is about. */
  readonly descriptor: number | undefined;
  /** That descriptor's file, or the paths that were given. */
  readonly paths: readonly string[];
  /** Of a write. */
  readonly bytes: Buffer;
  /** The numbers after the descriptor and the bytes, and names of flags. */
  readonly rest: string;
  /** At the end: what the kernel returned; -1 for an error. */
  readonly result: number;
}

/** Runs a command to its end under strace, which must be installed, and writes the trace to `file`. Gives the exit code. */
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
  /** The beginning of a call that another thread's interrupted, by thread. */
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

/** None for a line that is no call: a signal, or the end of a thread. */
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
