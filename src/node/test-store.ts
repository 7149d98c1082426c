// A store in memory for tests: writes become durable late, in order, those apart in one of their own; they can be held
// back, fail, or be lost.

import { CodedError } from '../shared/coded-error.ts';
import type {
  Clock,
  KeyRange,
  KeyValueReader,
  KeyValueRow,
  KeyValueSnapshot,
  KeyValueStore,
  StorageSpace,
  WriteOperation,
} from './ports.ts';

const WRITE_MS = 1;

type Rows = ReadonlyMap<string, Uint8Array>;

class RowsReader implements KeyValueReader {
  readonly #rows: () => Rows;

  constructor(rows: () => Rows) {
    this.#rows = rows;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows().get(textOf(key))?.slice();
  }

  *range({ from, to, reverse = false }: KeyRange): Generator<KeyValueRow> {
    const [first, end] = [textOf(from), textOf(to)];
    const keys = [...this.#rows().keys()].filter((key) => key >= first && key < end).sort();
    if (reverse) keys.reverse();
    for (const key of keys) {
      const value = this.#rows().get(key);
      if (value !== undefined) yield { key: bytesOf(key), value: value.slice() };
    }
  }
}

class Picture extends RowsReader implements KeyValueSnapshot {
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

/** What outlives a process. */
export class TestDisk {
  rows: Rows = new Map();
}

interface Write {
  readonly operations: readonly WriteOperation[];
  readonly done: (error: Error | undefined) => void;
}

export class TestStore extends RowsReader implements KeyValueStore {
  readonly #disk: TestDisk;
  readonly #clock: Clock;
  readonly #waiting: Write[] = [];
  readonly #waitingApart: Write[] = [];
  readonly pictures: Picture[] = [];
  /** Every write that became durable. */
  readonly written: (readonly WriteOperation[])[] = [];
  /** Called after each write, when the disk has it and nobody knows yet. */
  onWritten: () => void = () => undefined;
  /** Writes wait until `release`. */
  isHeld = false;
  /** The next writes end with this. */
  failure: 'disk_full' | 'storage_failed' | undefined;
  freeBytes = 1_000_000;

  constructor(clock: Clock, disk = new TestDisk()) {
    super(() => disk.rows);
    this.#disk = disk;
    this.#clock = clock;
  }

  get pendingWrites(): number {
    return this.#waiting.length + this.#waitingApart.length;
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(this.#waiting, { operations, done });
  }

  writeApart(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(this.#waitingApart, { operations, done });
  }

  #add(waiting: Write[], write: Write): void {
    waiting.push(write);
    if (!this.isHeld) this.#clock.after(WRITE_MS, () => this.#next(waiting));
  }

  /** What was held back becomes durable. */
  release(): void {
    this.isHeld = false;
    for (const waiting of [this.#waiting, this.#waitingApart]) {
      for (const _ of waiting) this.#clock.after(WRITE_MS, () => this.#next(waiting));
    }
  }

  /** The write apart that was held back last becomes durable before the others. */
  releaseLastApart(): void {
    const write = this.#waitingApart.pop();
    if (write !== undefined) this.#end(write);
  }

  snapshot(): KeyValueSnapshot {
    const { rows } = this.#disk;
    const picture = new Picture(() => rows);
    this.pictures.push(picture);
    return picture;
  }

  space(): StorageSpace {
    return { freeBytes: this.freeBytes, reserveBytes: 1_000, usedBytes: 1 };
  }

  close(done: () => void): void {
    this.#clock.soon(done);
  }

  #next(waiting: Write[]): void {
    if (this.isHeld) return;
    const write = waiting.shift();
    if (write !== undefined) this.#end(write);
  }

  #end(write: Write): void {
    if (this.failure !== undefined) {
      write.done(new CodedError(this.failure, `the test's disk says ${this.failure}`));
      return;
    }
    this.#apply(write.operations);
    this.written.push(write.operations);
    this.onWritten();
    write.done(undefined);
  }

  #apply(operations: readonly WriteOperation[]): void {
    const rows = new Map(this.#disk.rows);
    for (const operation of operations) {
      if (operation.kind === 'put') rows.set(textOf(operation.key), operation.value.slice());
      else rows.delete(textOf(operation.key));
    }
    this.#disk.rows = rows;
  }
}

/** One character a byte, so that the order is that of the bytes. */
export function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
