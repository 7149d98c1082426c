// The KeyValueStore of a node: a journal before LMDB.
//
//   write:      journal (durable, acknowledged) → layer of rows in memory
//   checkpoint: a full layer → LMDB, in the background (checkpoints.ts)
//   read:       the active layer, the layer under checkpoint, LMDB

import { assert } from '../../../shared/assert.ts';
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
} from '../node/ports/key-value-store.ts';
import type { RowCheck } from './check/verify-data-file.ts';
import { Images } from './images/images.ts';
import { Checkpoints, type JournalLimits } from './journal/checkpoints.ts';
import type { Journal } from './journal/journal.ts';
import { operationsBytes } from './journal/journal-frame.ts';
import { type LmdbStore, putBytes } from './lmdb/lmdb-store.ts';
import { isDiskFull } from './storage-errors.ts';

/** Bounds the writes that wait for the one under way; a node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Bounds the waiting writes that go into one frame together. */
const MAX_FRAME_BYTES = 1024 * 1024;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  /** Set for a write that adopts an image: it shares no frame. */
  readonly adoption?: ImageAdoption;
  readonly done: (error: Error | undefined) => void;
}

interface JournaledStoreParts {
  readonly directory: string;
  readonly tree: LmdbStore;
  readonly journal: Journal;
  /** The operations that the journal held after the last checkpoint. */
  readonly recovered: readonly WriteOperation[];
  readonly limits: JournalLimits;
  /** Checks the rows of incoming images. */
  readonly checkRow: RowCheck | undefined;
}

export class JournaledStore implements KeyValueStore {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpoints: Checkpoints;
  readonly #images: Images;
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  /** The first failure other than a full disk: nothing is written after it. */
  #failure: Error | undefined;
  #whenClosed: (() => void) | undefined;
  #isClosed = false;

  constructor({ recovered, ...parts }: JournaledStoreParts) {
    this.#tree = parts.tree;
    this.#journal = parts.journal;
    this.#checkpoints = new Checkpoints(parts, (error) => {
      this.#noteFailure(error);
      this.#next();
    });
    this.#images = new Images({ ...parts, checkpoints: this.#checkpoints });
    this.#checkpoints.hold(recovered);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#checkpoints.reader().get(key);
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return this.#checkpoints.reader().range(range);
  }

  /** The rows in the layers still need space in LMDB, so they count as used. */
  space(): StorageSpace {
    const { freeBytes, reserveBytes, usedBytes } = this.#tree.freeSpace.space();
    return { freeBytes: Math.max(0, freeBytes - this.#checkpoints.heldBytes), reserveBytes, usedBytes };
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#enqueue({ operations, done });
  }

  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    assert(!this.#isClosed, 'a store that was closed has no images');
    if (this.#failure !== undefined) setImmediate(done, this.#failure, undefined);
    else this.#images.open(done);
  }

  stageImage(sizeBytes: number): ImageStaging {
    assert(!this.#isClosed, 'a store that was closed has no images');
    return this.#images.stage(sizeBytes);
  }

  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void {
    const { operations, range } = adoption;
    for (const { key } of operations) {
      const isInside = Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
      assert(!isInside, 'operations of an adoption are outside of its range');
    }
    this.#enqueue({ operations, adoption, done });
  }

  #enqueue(write: QueuedWrite): void {
    assert(!this.#isClosed, 'a closed store takes no writes');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of write.operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
    this.#queue.push(write);
    this.#next();
  }

  /** Finishes the queue and writes all rows into LMDB, so that the next start recovers nothing. */
  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#whenClosed = done;
    setImmediate(() => this.#next());
  }

  #next(): void {
    if (this.#isWriting) return;
    const [first] = this.#queue;
    if (first === undefined) {
      this.#maybeClose();
      return;
    }
    const refusal = this.#failure ?? this.#shortageFor(first.operations);
    if (refusal === undefined && this.#checkpoints.isHolding) return;
    this.#isWriting = true;
    const { adoption } = first;
    if (refusal !== undefined || (first.operations.length === 0 && adoption === undefined)) {
      // In a later turn of the event loop: a caller that retries at once must not occupy it.
      setImmediate(() => this.#onWritesEnd([first], refusal));
      return;
    }
    if (adoption !== undefined) {
      this.#images.adopt(adoption, (error) => this.#onWritesEnd([first], error));
      return;
    }
    const writes = this.#nextFrame();
    const operations = writes.flatMap((write) => write.operations);
    this.#journal.append(operations, (error) => {
      if (error === undefined) this.#checkpoints.hold(operations);
      this.#onWritesEnd(writes, error && this.#tree.explainFailure(error, operationsBytes(operations)));
    });
  }

  /** Returns the first write and those after it that may share its frame. */
  #nextFrame(): QueuedWrite[] {
    const writes: QueuedWrite[] = [];
    let bytes = 0;
    for (const write of this.#queue) {
      const { operations, adoption } = write;
      bytes += operationsBytes(operations);
      const isNext = operations.length > 0 && adoption === undefined && bytes <= MAX_FRAME_BYTES;
      if (writes.length > 0 && (!isNext || this.#shortageFor(operations) !== undefined)) break;
      writes.push(write);
    }
    return writes;
  }

  #onWritesEnd(writes: readonly QueuedWrite[], error: Error | undefined): void {
    this.#noteFailure(error);
    this.#queue.splice(0, writes.length);
    this.#isWriting = false;
    try {
      for (const { done } of writes) done(error);
    } finally {
      this.#next();
    }
  }

  #noteFailure(error: Error | undefined): void {
    if (error !== undefined && !isDiskFull(error)) this.#failure ??= error;
  }

  /** Returns `disk_full` when the journal or, at the next checkpoint, LMDB lacks space for the operations. */
  #shortageFor(operations: readonly WriteOperation[]): Error | undefined {
    const { isTreeFull, isHolding, claimedBytes } = this.#checkpoints;
    const bytes = isTreeFull && isHolding ? Number.POSITIVE_INFINITY : putBytes(operations);
    return this.#tree.freeSpace.shortageFor({ bytes, claimedBytes });
  }

  /** A store that closes on a full disk does not wait for space: the journal has all rows. */
  #maybeClose(): void {
    const done = this.#whenClosed;
    if (done === undefined) return;
    const { isEmpty, isTreeFull } = this.#checkpoints;
    if (!isEmpty && !isTreeFull && this.#failure === undefined) {
      this.#checkpoints.begin();
      return;
    }
    this.#whenClosed = undefined;
    this.#checkpoints.stop();
    void Promise.all([this.#journal.close(), this.#images.close()]).then(() => this.#tree.close(done));
  }
}
