// The content of files after a power loss, as fsync(2) allows it: flushed data is kept, any part of the rest
// may be lost. It takes the system calls of a process and writes the directories that its next start could
// find.

import fs from 'node:fs';
import path from 'node:path';
import type { TracedCall } from './system-call-trace.ts';

/** A disk writes this number of bytes atomically. */
const SECTOR_BYTES = 512;

interface FileNode {
  readonly kind: 'file';
  durable: Buffer;
  pending: Write[];
}

interface Write {
  readonly at: number;
  readonly bytes: Buffer;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly durable: Map<string, Node>;
  readonly current: Map<string, Node>;
  /** Each group of changes is atomic, and the order is kept. */
  pending: (readonly [name: string, node: Node | undefined])[][];
}

type Node = FileNode | DirectoryNode;

interface OpenFile {
  readonly node: Node;
  /** Opened with O_DSYNC: a write returns when it is durable. */
  readonly isSynchronous: boolean;
  position: number;
}

export class VolatileDisk {
  readonly #root: string;
  readonly #tree = newDirectory();
  readonly #open = new Map<number, OpenFile>();
  /** Number of pending changes when a flush began, by thread. */
  readonly #flushes = new Map<number, number>();

  /** `root` is empty, and exists durably. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Applies a call. Returns whether it concerns a file below the root. */
  take(call: TracedCall): boolean {
    if (!call.paths.some((name) => name === this.#root || name.startsWith(`${this.#root}/`))) return false;
    if (call.phase === 'begin') this.#begin(call);
    else if (call.result >= 0) this.#end(call);
    return true;
  }

  /**
   * Writes the content after a power loss to `target`. `isKept` decides for each part that was not flushed.
   */
  leave(target: string, isKept: () => boolean): void {
    leaveDirectory(this.#tree, target, isKept);
  }

  #begin(call: TracedCall): void {
    const isFlush = call.name === 'fsync' || call.name === 'fdatasync';
    if (isFlush) this.#flushes.set(call.thread, this.#opened(call).node.pending.length);
  }

  #end(call: TracedCall): void {
    const [first = '', second = ''] = call.paths;
    switch (call.name) {
      case 'openat':
        this.#opens(call, first);
        break;
      case 'lseek':
        this.#opened(call).position = call.result;
        break;
      case 'mkdir':
        this.#change(first, newDirectory());
        break;
      case 'unlink':
        this.#change(first, undefined);
        break;
      case 'rename':
        this.#rename(first, second);
        break;
      case 'write':
      case 'writev':
      case 'pwrite64':
      case 'pwritev':
        this.#write(call);
        break;
      case 'fsync':
      case 'fdatasync':
        flush(this.#opened(call).node, this.#flushes.get(call.thread) ?? 0);
        break;
      default:
        throw new Error(`the trace has an unsupported call: ${call.name}`);
    }
  }

  #opens({ rest, result }: TracedCall, name: string): void {
    if (this.#find(name) === undefined)
      this.#change(name, { kind: 'file', durable: Buffer.alloc(0), pending: [] });
    const node = this.#find(name);
    if (node === undefined) throw new Error(`${name} is not there`);
    this.#open.set(result, { node, isSynchronous: /O_D?SYNC/.test(rest), position: 0 });
  }

  #write(call: TracedCall): void {
    const file = this.#opened(call);
    const { node } = file;
    if (node.kind !== 'file') throw new Error('a directory cannot be written to');
    const isPositioned = call.name.startsWith('p');
    const at = isPositioned ? Number(call.rest.split(', ').at(-1)) : file.position;
    const write = { at, bytes: call.bytes.subarray(0, call.result) };
    if (!isPositioned) file.position += call.result;
    if (file.isSynchronous) node.durable = written(node.durable, write);
    else node.pending.push(write);
  }

  #rename(from: string, to: string): void {
    const node = this.#find(from);
    const directory = this.#directoryOf(from);
    if (node === undefined || this.#directoryOf(to) !== directory) {
      throw new Error('a rename is supported within one directory only');
    }
    change(directory, [
      [path.basename(to), node],
      [path.basename(from), undefined],
    ]);
  }

  #change(name: string, node: Node | undefined): void {
    change(this.#directoryOf(name), [[path.basename(name), node]]);
  }

  #opened({ descriptor, name, paths }: TracedCall): OpenFile {
    const file = descriptor === undefined ? undefined : this.#open.get(descriptor);
    if (file === undefined) throw new Error(`${name} of ${paths.join()}, which was not opened`);
    return file;
  }

  #directoryOf(name: string): DirectoryNode {
    const node = this.#find(path.dirname(name));
    if (node?.kind !== 'directory') throw new Error(`${path.dirname(name)} is no directory`);
    return node;
  }

  #find(name: string): Node | undefined {
    let node: Node | undefined = this.#tree;
    for (const step of path.relative(this.#root, name).split(path.sep)) {
      if (step === '') continue;
      node = node?.kind === 'directory' ? node.current.get(step) : undefined;
    }
    return node;
  }
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', durable: new Map(), current: new Map(), pending: [] };
}

function change(directory: DirectoryNode, changes: (readonly [string, Node | undefined])[]): void {
  directory.pending.push(changes);
  assign(directory.current, changes);
}

function assign(names: Map<string, Node>, changes: readonly (readonly [string, Node | undefined])[]): void {
  for (const [name, node] of changes) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

/** Makes the first `count` pending changes durable. */
function flush(node: Node, count: number): void {
  if (node.kind === 'directory') {
    for (const changes of node.pending.splice(0, count)) assign(node.durable, changes);
    return;
  }
  for (const write of node.pending.splice(0, count)) node.durable = written(node.durable, write);
}

function written(content: Buffer, { at, bytes }: Write): Buffer {
  const result = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(result);
  bytes.copy(result, at);
  return result;
}

function leaveDirectory(directory: DirectoryNode, target: string, isKept: () => boolean): void {
  fs.mkdirSync(target);
  const names = new Map(directory.durable);
  for (const changes of directory.pending) {
    if (!isKept()) break;
    assign(names, changes);
  }
  for (const [name, node] of names) {
    const place = path.join(target, name);
    if (node.kind === 'directory') leaveDirectory(node, place, isKept);
    else fs.writeFileSync(place, contentLeft(node, isKept));
  }
}

/** Keeps whole writes, or sectors of them, in any combination. */
function contentLeft({ durable, pending }: FileNode, isKept: () => boolean): Buffer {
  let content = durable;
  for (const { at, bytes } of pending) {
    const isWhole = isKept();
    for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
      const sector = { at: at + from, bytes: bytes.subarray(from, from + SECTOR_BYTES) };
      if (isWhole || isKept()) content = written(content, sector);
    }
  }
  return content;
}
