// What a process asks of one file, system call by system call, as strace saw it; and what a loss of power at any moment
// may leave of that file: everything that was flushed, and of the rest any sectors in any order.

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { present } from '../../src/shared/assert.ts';

/** `id` ties the two ends of a call together: what it does may happen at any moment between them. */
export type DiskEvent =
  | {
      readonly kind: 'write-begins';
      readonly id: number;
      readonly at: number;
      readonly bytes: Buffer;
      /** The call returns only when these bytes are durable (O_DSYNC). */
      readonly isFlushed: boolean;
    }
  | { readonly kind: 'write-ends'; readonly id: number }
  | { readonly kind: 'flush-begins'; readonly id: number }
  | { readonly kind: 'flush-ends'; readonly id: number }
  /** A line of the command on standard output. */
  | { readonly kind: 'says'; readonly line: string };

const CALLS = ['openat', 'lseek', 'write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'fdatasync', 'fsync'];
/** Longer buffers would be cut in the recording. */
const MAX_BUFFER_BYTES = 1024 * 1024;

/** Runs a command under strace, which writes to `recording` and ends with it: only the command can end itself. */
export function spawnRecorded(command: readonly string[], recording: string): ChildProcess {
  const trace = ['-f', '-y', '-xx', '-s', `${MAX_BUFFER_BYTES}`, '-e', `trace=${CALLS.join(',')}`];
  return spawn('strace', [...trace, '-o', recording, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** What was asked of one file, by whatever of `paths` it was called, in order, and what was said meanwhile. */
export function readRecording(recording: string, paths: readonly string[]): DiskEvent[] {
  const reader = new RecordingReader(paths);
  return fs
    .readFileSync(recording, 'latin1')
    .split('\n')
    .flatMap((line) => reader.take(line));
}

class RecordingReader {
  readonly #paths: readonly string[];
  #ids = 0;
  /** The first thread of all is the command's own: helpers that it starts have a standard output too. */
  #mainThread: string | undefined;
  /** Calls that have begun and not ended, by thread. */
  readonly #open = new Map<string, { readonly text: string; readonly later: DiskEvent[] }>();
  readonly #flushedDescriptors = new Set<string>();
  readonly #positions = new Map<string, number>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  take(line: string): DiskEvent[] {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread !== '') this.#mainThread ??= thread;
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (begun !== undefined) {
      const [first, ...later] = this.#events(thread, begun);
      this.#open.set(thread, { text: begun, later });
      return first === undefined ? [] : [first];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    if (resumed === undefined) return this.#events(thread, rest);
    const open = this.#open.get(thread);
    this.#open.delete(thread);
    if (open?.text.startsWith('openat(')) return this.#events(thread, open.text + resumed);
    return open?.later ?? [];
  }

  /** Begin and end of one call; nothing for what does not concern the file. */
  #events(thread: string, text: string): DiskEvent[] {
    this.#ids += 1;
    const id = this.#ids;
    const [, name = '', descriptor = '', file = '', rest = ''] =
      /^(\w+)\((\d+|AT_FDCWD)<([^>]*)>(.*)$/.exec(text) ?? [];
    if (name === 'openat') this.#opened(rest);
    if (name === 'write' && descriptor === '1') return thread === this.#mainThread ? said(rest) : [];
    if (!this.#paths.includes(decoded(file).toString())) return [];
    switch (name) {
      case 'fdatasync':
      case 'fsync':
        return [
          { kind: 'flush-begins', id },
          { kind: 'flush-ends', id },
        ];
      case 'lseek':
        this.#positions.set(descriptor, Number(/^, (\d+), SEEK_SET/.exec(rest)?.[1]));
        return [];
      case 'write':
      case 'writev':
      case 'pwrite64':
      case 'pwritev':
      case 'pwritev2':
        return [this.#write(name, descriptor, rest, id), { kind: 'write-ends', id }];
      default:
        return [];
    }
  }

  #opened(rest: string): void {
    const [, flags = '', descriptor = '', file = ''] = /, (O_[A-Z_|]+).*\) = (\d+)<([^>]*)>/.exec(rest) ?? [];
    if (!this.#paths.includes(decoded(file).toString())) return;
    if (/O_D?SYNC/.test(flags)) this.#flushedDescriptors.add(descriptor);
    else this.#flushedDescriptors.delete(descriptor);
  }

  #write(name: string, descriptor: string, rest: string, id: number): DiskEvent {
    const bytes = Buffer.concat(
      [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => decoded(hex ?? '')),
    );
    const isPlaced = name.startsWith('p');
    const at = isPlaced
      ? placeOf(name, rest)
      : present(this.#positions.get(descriptor), 'it was sought first');
    if (!isPlaced) this.#positions.set(descriptor, at + bytes.length);
    return { kind: 'write-begins', id, at, bytes, isFlushed: this.#flushedDescriptors.has(descriptor) };
  }
}

/** The offset is the last argument, but for the flags of pwritev2. */
function placeOf(name: string, rest: string): number {
  const place = (name === 'pwritev2' ? /, (\d+), \w+(?:\)|$)/ : /, (\d+)(?:\)|$)/).exec(rest)?.[1];
  return Number(present(place, `a ${name} says where it writes`));
}

function said(rest: string): DiskEvent[] {
  const text = decoded(/"([^"]*)"/.exec(rest)?.[1] ?? '').toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [{ kind: 'says', line }]));
}

/** `\x61\x62` as strace writes it. */
function decoded(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
}
