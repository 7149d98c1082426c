// Images of a simulated store: its rows in bytes, and staged images, which are private to the process until
// adopted.

import { ByteWriter } from '../../src/engines/raft/codec/byte-writer.ts';
import { checkSealed } from '../../src/engines/raft/codec/sealed-record.ts';
import type { ImageStaging, StoreImage } from '../../src/engines/raft/node/ports/key-value-store.ts';
import { assert } from '../../src/shared/assert.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { decodeRowImage, encodeRowImage, type ImageRow } from '../kit/row-image.ts';
import { lookUp, rowsBetween } from './persistent-map.ts';
import type { ProcessLife } from './process-life.ts';
import { bytesOf, type DiskVersion, keyOf, type SimulatedDisk } from './simulated-disk.ts';
import type { Timeline } from './timeline.ts';

/** Greater than every key of one character per byte. */
const BEHIND_ALL_KEYS = '\u0100';

/** The process that uses the images, and its disk. */
interface ImageWorld {
  readonly timeline: Timeline;
  readonly disk: SimulatedDisk;
  readonly life: ProcessLife;
}

export class SimulatedImage implements StoreImage {
  readonly #world: ImageWorld;
  readonly #version: DiskVersion;
  readonly #bytes: Uint8Array;
  #isClosed = false;

  constructor(world: ImageWorld, version: DiskVersion) {
    this.#world = world;
    this.#version = version;
    this.#bytes = encodeRowImage(rowsOf(version));
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    assert(!this.#isClosed, 'a closed image is not read');
    return lookUp(this.#version, keyOf(key))?.slice();
  }

  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    assert(!this.#isClosed, 'a closed image is not read');
    assert(offset + length <= this.#bytes.length, 'a read is inside the image');
    const { timeline, life } = this.#world;
    timeline.schedule(0, life, () => {
      if (this.#isClosed) return;
      const bytes = this.#bytes.slice(offset, offset + length);
      done(undefined, bytes);
      // The bytes belonged to the caller until now: the next piece overwrites them.
      bytes.fill(0);
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}

function* rowsOf(version: DiskVersion): Generator<ImageRow> {
  for (const { key, value } of rowsBetween(version, { from: '', to: BEHIND_ALL_KEYS })) {
    yield { key: bytesOf(key), value };
  }
}

export class SimulatedStaging implements ImageStaging {
  readonly #world: ImageWorld;
  readonly #checksSeals: boolean;
  readonly #sizeBytes: number;
  readonly #writer = new ByteWriter();
  #failure: Error | undefined;
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;
  #rows: readonly ImageRow[] | undefined;
  isDiscarded = false;
  /** From here on `discard` has no effect. */
  isAdopting = false;

  constructor(world: ImageWorld, { sizeBytes, checksSeals }: { sizeBytes: number; checksSeals: boolean }) {
    this.#world = world;
    this.#sizeBytes = sizeBytes;
    this.#checksSeals = checksSeals;
  }

  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    const copy = bytes.slice();
    this.#inTurn(() => this.#writer.raw(copy), done);
  }

  finish(onProgress: () => void, done: (error: Error | undefined) => void): void {
    this.#inTurn(() => {
      onProgress();
      if (this.#writer.length !== this.#sizeBytes) throw damaged('it is incomplete');
      this.#rows = this.#checkedRows();
    }, done);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const name = keyOf(key);
    return this.rows.find((row) => keyOf(row.key) === name)?.value.slice();
  }

  get rows(): readonly ImageRow[] {
    assert(this.#rows !== undefined, 'an image is finished before it is used');
    return this.#rows;
  }

  discard(): void {
    if (!this.isAdopting) this.isDiscarded = true;
  }

  #checkedRows(): readonly ImageRow[] {
    try {
      const rows = decodeRowImage(this.#writer.take());
      for (const { key, value } of this.#checksSeals ? rows : []) {
        const bytes = new Uint8Array([...key, ...value]);
        checkSealed({ bytes, keyStart: 0, valueStart: key.length, valueEnd: bytes.length });
      }
      return rows;
    } catch (error) {
      if (error instanceof CodedError) throw damaged(error.message);
      throw error;
    }
  }

  /** Runs `action` when the disk has completed it, in the order of the calls. */
  #inTurn(action: () => void, done: (error: Error | undefined) => void): void {
    if (!this.#world.life.survivesCall()) return;
    assert(!this.isDiscarded, 'a discarded image is not written');
    this.#waiting.push(() => {
      const ended = (error: Error | undefined): void => {
        this.#isBusy = false;
        if (this.isDiscarded) return;
        this.#failure ??= error;
        if (this.#failure === undefined) this.#tryTo(action);
        done(this.#failure);
        this.#next();
      };
      this.#world.disk.writeBeside({ life: this.#world.life, done: ended });
    });
    this.#next();
  }

  #tryTo(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failure = error;
    }
  }

  #next(): void {
    if (this.#isBusy || this.isDiscarded) return;
    const run = this.#waiting.shift();
    if (run === undefined) return;
    this.#isBusy = true;
    run();
  }
}

function damaged(what: string): CodedError {
  return new CodedError('image_damaged', `the received image is not a valid store (${what})`);
}
