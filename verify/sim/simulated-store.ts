// The store that a process opens on a simulated disk.

import {
  type ImageAdoption,
  type ImageStaging,
  type KeyRange,
  type KeyValueRow,
  type KeyValueStore,
  MAX_KEY_BYTES,
  type StorageSpace,
  type StoreImage,
  type WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { copyBytes } from '../../src/shared/allocate-bytes.ts';
import { assert } from '../../src/shared/assert.ts';
import { lookUp, rowsBetween } from './persistent-map.ts';
import type { ProcessLife } from './process-life.ts';
import { bytesOf, type DiskVersion, keyOf, type SimulatedDisk, type WriteCall } from './simulated-disk.ts';
import { SimulatedImage, SimulatedStaging } from './simulated-images.ts';
import type { Timeline } from './timeline.ts';

/** Size of a simulated file system, and the reserve that a store on it keeps for elections and membership. */
const TOTAL_BYTES = 1024 * 1024 * 1024;
const RESERVE_BYTES = 64 * 1024 * 1024;

export class SimulatedStore implements KeyValueStore {
  readonly #timeline: Timeline;
  readonly #disk: SimulatedDisk;
  readonly #life: ProcessLife;
  readonly #checksSeals: boolean;
  #staging: SimulatedStaging | undefined;
  #underWay = 0;
  #isClosed = false;
  #closed: (() => void) | undefined;

  /** Rows without checksums are for tests of the store alone. */
  constructor(timeline: Timeline, disk: SimulatedDisk, life: ProcessLife, { checksSeals = true } = {}) {
    this.#timeline = timeline;
    this.#disk = disk;
    this.#life = life;
    this.#checksSeals = checksSeals;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    assert(!this.#isClosed, 'a closed store is not read');
    return read(this.#disk.visible, key);
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    assert(!this.#isClosed, 'a closed store is not read');
    return readRange(this.#disk.visible, range);
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#hand(operations, done, (call) => this.#disk.write(operations, call));
  }

  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    if (!this.#life.survivesCall()) return;
    assert(!this.#isClosed, 'a closed store is not read');
    const world = { timeline: this.#timeline, disk: this.#disk, life: this.#life };
    // The durable version has every write that was completed before; later writes need not be in it.
    const version = this.#disk.durable;
    this.#underWay += 1;
    this.#disk.writeBeside({
      life: this.#life,
      done: (error) => {
        this.#underWay -= 1;
        done(error, error === undefined ? new SimulatedImage(world, version) : undefined);
        this.#maybeClosed();
      },
    });
  }

  stageImage(sizeBytes: number): ImageStaging {
    assert(!this.#isClosed, 'a closed store is not written');
    assert(this.#staging?.isDiscarded ?? true, 'one image is staged at a time');
    const world = { timeline: this.#timeline, disk: this.#disk, life: this.#life };
    this.#staging = new SimulatedStaging(world, { sizeBytes, checksSeals: this.#checksSeals });
    return this.#staging;
  }

  adopt(
    { staging, range, dropped, operations }: ImageAdoption,
    done: (error: Error | undefined) => void,
  ): void {
    const staged = this.#staging;
    assert(staged !== undefined && staging === staged, 'the adopted image is the staged one');
    assert(!staged.isDiscarded && !staged.isAdopting, 'a discarded image is not adopted');
    staged.isAdopting = true;
    const ended = (error: Error | undefined): void => {
      staged.isAdopting = false;
      if (error === undefined) this.#staging = undefined;
      done(error);
    };
    const adopted = { range, dropped, rows: staged.rows };
    this.#hand(operations, ended, (call) => this.#disk.adopt(adopted, operations, call));
  }

  #hand(
    operations: readonly WriteOperation[],
    done: (error: Error | undefined) => void,
    write: (call: WriteCall) => void,
  ): void {
    // The process died at this call: it has no effect.
    if (!this.#life.survivesCall()) return;
    assert(!this.#isClosed, 'a closed store is not written');
    for (const { key } of operations) checkKey(key);
    this.#underWay += 1;
    write({
      life: this.#life,
      done: (error) => {
        this.#underWay -= 1;
        done(error);
        this.#maybeClosed();
      },
    });
  }

  space(): StorageSpace {
    return {
      freeBytes: this.#disk.isFull ? 0 : TOTAL_BYTES / 2,
      reserveBytes: RESERVE_BYTES,
      usedBytes: TOTAL_BYTES / 2,
    };
  }

  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#closed = () => this.#timeline.schedule(0, this.#life, done);
    this.#maybeClosed();
  }

  #maybeClosed(): void {
    if (!this.#isClosed || this.#underWay > 0) return;
    this.#closed?.();
    this.#closed = undefined;
  }
}

function read(version: DiskVersion, key: Uint8Array): Uint8Array | undefined {
  checkKey(key);
  const value = lookUp(version, keyOf(key));
  return value && copyBytes(value);
}

function* readRange(version: DiskVersion, { from, to, reverse = false }: KeyRange): Generator<KeyValueRow> {
  for (const row of rowsBetween(version, { from: keyOf(from), to: keyOf(to), reverse })) {
    yield { key: bytesOf(row.key), value: copyBytes(row.value) };
  }
}

function checkKey(key: Uint8Array): void {
  assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key of ${key.length} bytes is out of bounds`);
}
