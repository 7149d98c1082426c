// A store in memory for tests. Writes become durable late and in order, images in an order of their own. Both
// can be held back, fail, or be lost.

import { decodeRowImage, encodeRowImage, type ImageRow } from '../../../../../verify/kit/row-image.ts';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { ByteWriter } from '../../codec/byte-writer.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  ImageAdoption,
  ImageStaging,
  KeyRange,
  KeyValueReader,
  KeyValueRow,
  KeyValueStore,
  StorageSpace,
  StoreImage,
  WriteOperation,
} from '../ports/key-value-store.ts';

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

class TestImage extends RowsReader implements StoreImage {
  readonly #clock: Clock;
  readonly #bytes: Uint8Array;
  isClosed = false;

  constructor(clock: Clock, rows: Rows) {
    super(() => rows);
    this.#clock = clock;
    this.#bytes = imageOf(rows);
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    this.#clock.soon(() => {
      if (!this.isClosed) done(undefined, this.#bytes.slice(offset, offset + length));
    });
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Returns the image of a store with these rows. */
export function imageOf(rows: Rows): Uint8Array {
  return encodeRowImage(Array.from(rows, ([key, value]) => ({ key: bytesOf(key), value })));
}

/** Schedules a request to the store, and reports its end. */
type Ask = (action: () => void, done: (error: Error | undefined) => void) => void;

class TestStaging implements ImageStaging {
  readonly #ask: Ask;
  readonly #bytes = new ByteWriter();
  #failure: Error | undefined;
  rows: readonly ImageRow[] = [];
  isFinishing = false;
  isDiscarded = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    const copy = bytes.slice();
    this.#do(() => this.#bytes.raw(copy), done);
  }

  finish(onProgress: () => void, done: (error: Error | undefined) => void): void {
    this.isFinishing = true;
    this.#do(() => {
      onProgress();
      this.rows = decodeRowImage(this.#bytes.take());
    }, done);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.find((row) => textOf(row.key) === textOf(key))?.value.slice();
  }

  discard(): void {
    this.isDiscarded = true;
  }

  #do(action: () => void, done: (error: Error | undefined) => void): void {
    this.#ask(
      () => {
        if (this.#failure === undefined) action();
      },
      (error) => {
        this.#failure ??= error;
        if (!this.isDiscarded) done(this.#failure);
      },
    );
  }
}

/** The part that outlives a process. */
export class TestDisk {
  rows: Rows = new Map();
}

interface Write {
  /** Makes the write durable. */
  readonly action: () => void;
  readonly done: (error: Error | undefined) => void;
}

export class TestStore extends RowsReader implements KeyValueStore {
  readonly #disk: TestDisk;
  readonly #clock: Clock;
  readonly #waiting: Write[] = [];
  /** Requests of images, beside the writes. */
  readonly #waitingBeside: Write[] = [];
  readonly images: TestImage[] = [];
  readonly stagings: TestStaging[] = [];
  /** All writes that became durable. */
  readonly written: (readonly WriteOperation[])[] = [];
  /** Called after each write, when it is durable and not yet reported. */
  onWritten: () => void = () => undefined;
  /** Writes wait until `release`. */
  isHeld = false;
  /** The error of the next writes. */
  failure: 'disk_full' | 'storage_failed' | undefined;
  freeBytes = 1_000_000;

  constructor(clock: Clock, disk = new TestDisk()) {
    super(() => disk.rows);
    this.#disk = disk;
    this.#clock = clock;
  }

  get pendingWrites(): number {
    return this.#waiting.length;
  }

  get pendingBeside(): number {
    return this.#waitingBeside.length;
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(this.#waiting, { action: () => this.#written(operations, this.#disk.rows), done });
  }

  /** The image has what is durable when it is given. */
  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    let image: TestImage | undefined;
    const action = (): void => {
      image = new TestImage(this.#clock, this.#disk.rows);
      this.images.push(image);
    };
    this.#add(this.#waitingBeside, { action, done: (error) => done(error, image) });
  }

  stageImage(): ImageStaging {
    const staging = new TestStaging((action, done) => this.#add(this.#waitingBeside, { action, done }));
    this.stagings.push(staging);
    return staging;
  }

  adopt(
    { staging, range, dropped, operations }: ImageAdoption,
    done: (error: Error | undefined) => void,
  ): void {
    const staged = this.stagings.find((one) => one === staging);
    assert(staged !== undefined && !staged.isDiscarded, 'an image is staged where it is adopted');
    const action = (): void => {
      assert(
        this.images.every(({ isClosed }) => isClosed),
        'no image is open where one is adopted',
      );
      const rows = new Map(
        [...this.#disk.rows].filter(([key]) => !isInside(key, range) && !isInside(key, dropped)),
      );
      for (const { key, value } of staged.rows) {
        if (isInside(textOf(key), range)) rows.set(textOf(key), value);
      }
      this.#written(operations, rows);
    };
    this.#add(this.#waiting, { action, done });
  }

  #add(waiting: Write[], write: Write): void {
    waiting.push(write);
    if (!this.isHeld) this.#clock.after(WRITE_MS, () => this.#next(waiting));
  }

  /** Makes the held writes durable. */
  release(): void {
    this.isHeld = false;
    for (const waiting of [this.#waiting, this.#waitingBeside]) {
      for (const _ of waiting) this.#clock.after(WRITE_MS, () => this.#next(waiting));
    }
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

  #end({ action, done }: Write): void {
    if (this.failure !== undefined) {
      done(new CodedError(this.failure, `the test's disk says ${this.failure}`));
      return;
    }
    try {
      action();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      done(error);
      return;
    }
    done(undefined);
  }

  #written(operations: readonly WriteOperation[], before: Rows): void {
    const rows = new Map(before);
    for (const operation of operations) {
      if (operation.kind === 'put') rows.set(textOf(operation.key), operation.value.slice());
      else rows.delete(textOf(operation.key));
    }
    this.#disk.rows = rows;
    this.written.push(operations);
    this.onWritten();
  }
}

/** Takes the changes that the store lacks. They are under way from now on. */
export function writesOf(state: { addWrites(operations: WriteOperation[]): void }): WriteOperation[] {
  const operations: WriteOperation[] = [];
  state.addWrites(operations);
  return operations;
}

function isInside(key: string, { from, to }: KeyRange): boolean {
  return key >= textOf(from) && key < textOf(to);
}

/** Returns one character a byte, so that texts sort like the bytes. */
export function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
